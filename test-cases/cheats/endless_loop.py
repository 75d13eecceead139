# Never answers, by a code that is not false.
# judge: codes
# verdict: time_limit
def f(x):
    while True:
        pass
