# Fails every test, by a code that is not false.
# judge: codes
def f(x):
    raise ZeroDivisionError
