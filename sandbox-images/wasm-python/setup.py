"""Runs once when the image is built, in the interpreter of which the snapshot is then made.

Leaves a module `proofbox` whose `run` carries one run out with the driver of the native Python image,
and has what solutions commonly use loaded. What is here is what every run begins with.
"""


def set_up():
    import gc
    import sys

    modules = "MODULES"
    module = type(sys)("proofbox_driver")
    driver = module.__dict__
    exec(code_of("driver"), driver)
    # The lower numbers are standard streams and the root directory.
    driver["CALL_FD"], driver["RESULT_FD"] = 4, 5
    driver["load_parts"](code_of)
    driver["restore_builtins"]()
    for name in modules.split():
        __import__(name)
    driver["rehearse"]()
    try:
        exec(compile("1 / 0", "/box/main.py", "exec"), {})
    except ZeroDivisionError as error:
        driver["show_exception"](error)
    sys.modules["proofbox"] = launcher = type(sys)("proofbox")
    launcher.run = make_run(driver, gc, sys)
    driver["modules_loaded"] = len(sys.modules)
    gc.collect()
    gc.freeze()


def code_of(name):
    with open("/proofbox/" + name + ".py") as file:
        return compile(file.read(), "<proofbox %s>" % name, "exec", dont_inherit=True)


def make_run(driver, gc, sys):
    leave = driver["make_exit"]()

    def run(mode, entry, prelude, seed):
        for name in ("random", "numpy.random"):
            module = sys.modules.get(name)
            if module is not None:
                module.seed(int(seed)) if seed else module.seed()
        try:
            driver["run"](mode, entry, prelude)
        except SystemExit as error:
            status = error.code
        driver["run_exit_handlers"]()
        take_down(entry)
        if status is None:
            status = 0
        elif not isinstance(status, int):
            print(status, file=sys.stderr)
            status = 1
        leave(status & 0xFF, is_strict=True)

    def take_down(entry):
        """What the interpreter does with modules at its end, for those of the solution: everything
        else is as it was before the solution and can be left lying."""
        home = entry.rpartition("/")[0] + "/"
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if name == "__main__" or (type(file) is str and file.startswith(home)):
                namespace = module.__dict__
                for hidden in (True, False):
                    for key in list(namespace):
                        if key != "__builtins__" and (key[:1] == "_") == hidden:
                            namespace[key] = None
        gc.collect()

    return run


set_up()
