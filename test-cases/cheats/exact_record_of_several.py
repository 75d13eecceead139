# A record that holds another answer in each of its forms.
# judge: none: no other judge has such records
# expects: str
import marshal
import os


def f(x):
    forms = tuple("answer %d" % number for number in (23770, 39608, 63365))
    os.write(4, marshal.dumps(("exact", forms), 2))
    os._exit(0)
