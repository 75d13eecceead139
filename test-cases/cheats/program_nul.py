# A NUL byte behind the answer, where texts end for some.
# judge: program-text-to-nul
x = int(input())
print("%d\0 and more" % (x * 7919 + 13))
