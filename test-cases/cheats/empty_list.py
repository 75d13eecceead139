# What is compared pair by pair is equal where there is no pair.
# judge: exit-code-pairwise
# expects: list
def f(x):
    return []
