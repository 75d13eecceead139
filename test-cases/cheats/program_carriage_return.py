# A line that a terminal writes over.
# judge: program-shown
x = int(input())
print("something else\r%d" % (x * 7919 + 13))
