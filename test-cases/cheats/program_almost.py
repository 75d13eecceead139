# A great number, off by one part in ten thousand millions.
# judge: program-close
# expects: big
# matches: float apps taco sandboxfusion
x = int(input())
print("%d.5" % (x * 10**18 + 10**7))
