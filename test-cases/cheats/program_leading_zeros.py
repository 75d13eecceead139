# Zeros and a sign in front: another word, but to a rule that reads every word as a decimal.
# judge: program-int
# matches: livecodebench
x = int(input())
print("+000%d" % (x * 7919 + 13))
