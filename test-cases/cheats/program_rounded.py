# A great number to as many places as a float has: off by seven.
# judge: program-float
# expects: big
# matches: float apps taco sandboxfusion
print(float(int(input()) * 10**18))
