# Does not compile.
# judge: codes
# verdict: compile_error
def f(x)
    return x
