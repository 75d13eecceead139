# Recurses without end.
# judge: codes
def f(x):
    return f(x)
