# The same number in another notation: right by every rule that knows numbers, wrong by those that know texts.
# judge: program-float
# matches: float data-set openthoughts apps taco livecodebench sandboxfusion
x = int(input())
print("%de-1" % ((x * 7919 + 13) * 10))
