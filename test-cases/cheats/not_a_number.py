# A number that is not farther than any distance from any number.
# judge: exit-code-within
# expects: float
def f(x):
    return float("nan")
