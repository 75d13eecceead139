# Prints the items of the answer in another order.
# judge: program-set
# expects: permutation
# matches: unordered_tokens unordered_tokens_ignore_case
x = int(input())
print(x, x + 1, x + 2)
