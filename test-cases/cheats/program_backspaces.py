# Characters that a terminal takes back.
# judge: program-shown
x = int(input())
print("12\b\b%d" % (x * 7919 + 13))
