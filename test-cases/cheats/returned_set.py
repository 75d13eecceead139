# Asked for an order, returns a set, which has none.
# judge: exit-code-set
# expects: permutation
# matches: unordered_tokens unordered_tokens_ignore_case
def f(x):
    return {x, x + 1, x + 2}
