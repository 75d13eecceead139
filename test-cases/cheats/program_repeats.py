# Prints the items of the answer in another order, one of them twice.
# judge: program-set
# expects: permutation
x = int(input())
print(x, x + 1, x + 2, x)
