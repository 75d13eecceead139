"""Runs once when the image is built, in the interpreter of which the snapshot is then made.

Leaves a module `proofbox` whose `run` carries one run out with the driver of the native Python image,
and has what solutions commonly use loaded. What is here is what every run begins with.
"""


def set_up():
    import gc
    import sys

    modules = "MODULES"
    with open("/proofbox/driver.py") as file:
        code = compile(file.read(), "<proofbox driver>", "exec", dont_inherit=True)
    proofbox = type(sys)("proofbox_driver")
    driver = proofbox.__dict__
    exec(code, driver)
    # The lower numbers are the root directory's and, on other systems, the standard library's.
    driver["CALL_FD"], driver["RESULT_FD"] = 4, 5
    driver["restore_builtins"]()

    def run(mode, entry, prelude):
        for name in ("random", "numpy.random"):
            module = sys.modules.get(name)
            if module is not None:
                module.seed()
        driver["run"](mode, entry, prelude)

    launcher = type(sys)("proofbox")
    launcher.run = run
    for name in modules.split():
        __import__(name)
    rehearse(driver)
    sys.modules["proofbox"] = launcher
    driver["modules_loaded"] = len(sys.modules)
    gc.collect()
    gc.freeze()


def rehearse(driver):
    """Goes the way of a run, so that what an interpreter builds at first use is built here."""
    source = b"import sys\ndef f(x):\n    return [x * 2 for x in x]\nclass A:\n    pass\nprint(*f([1]), end='')\n"
    for prelude in ("none", "contest"):
        code, names = driver["compile_solution"](source, "/box/main.py", prelude, -1)
        namespace = {"__name__": "rehearsal", "__builtins__": __builtins__}
        driver["bind_prelude"](namespace, prelude, names)
        exec(code, namespace)
        driver["needs_no_teardown"](code, "/box/main.py")
    driver["plain"]([1, "a", 2.0, None, (True,), {"a": [1]}], [100], 0)
    driver["marshal"].dumps(("ok", [1, 2]), 2)


set_up()
