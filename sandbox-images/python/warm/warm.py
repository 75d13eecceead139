"""Runs once in a warm launcher, before any solution exists: loads what solutions commonly use.

    python3 -I -S -B warm.pyc DRIVER SITE_DIRS MODULES

DRIVER     path of the compiled driver.
SITE_DIRS  directories appended to sys.path, separated by colons.
MODULES    modules to load, separated by commas; one that is not installed is left out.

Then hands `run` over and waits for ever; slots, cells and runs are forks of this process. What is
loaded here costs every run nothing but the memory pages it writes to, so what is loaded must be
what solutions do use, and nothing here may depend on a solution.
"""

import gc
import marshal
import sys

sys.path.insert(0, sys.argv[0].rpartition("/")[0])
import _proofbox

del sys.path[0]


def load_driver(path):
    with open(path, "rb") as file:
        code = marshal.loads(file.read()[16:])
    namespace = {"__name__": "proofbox_driver", "__builtins__": __builtins__}
    exec(code, namespace)
    return namespace


def load(modules):
    for name in filter(None, modules.split(",")):
        try:
            __import__(name)
        except ImportError:
            pass


def run(mode, entry, prelude, site_dirs, stage):
    """In a run's own process: what the driver's main does."""
    for name in ("random", "numpy.random"):
        module = sys.modules.get(name)
        if module is not None:
            module.seed()
    driver["run"](mode, entry, prelude, stage, _proofbox)


driver = load_driver(sys.argv[1])
compiled = driver["compiled_beside"](sys.argv[1])
driver["load_parts"](compiled)
sys.path.extend(filter(None, sys.argv[2].split(":")))
driver["restore_builtins"]()
load(sys.argv[3])
# Behind what solutions use, since it looks at that.
driver["load_parts"](compiled, ("series",))
driver["rehearse"]()
driver["modules_loaded"] = len(sys.modules)
# Nothing that is here now is ever garbage; a collection would only write to its pages.
gc.collect()
gc.freeze()
_proofbox.serve(run)
