"""Classes of stand-ins for the solution's objects: they do nothing themselves but ask."""

import sys

# Modules of whose types nothing is expected but what can be asked.
PLAINLY_ASKED = frozenset("builtins itertools functools enum types solution".split())


def _ask_attribute(owner, name):
    if name.startswith(NOT_ASKED):
        raise AttributeError(name)
    if name[:1] != "_" or name in LOOKED_AT:
        LINK.side.questions += 1
        if name not in METHODS_OF_DATA:
            LINK.side.treated_as_objects.add(type(owner))
    return LINK.side.getattr(owner, name)


def _ask_named(cls, op, *asked, args=None):
    """What makes a container of a class: only where the tests know it for a class."""
    if cls not in LINK.side.named_classes:
        raise TypeError("a class of the solution's that the tests do not name has no items")
    return LINK.side.ask(op, *asked, args=args)


class RemoteType(type):
    """The class of stand-ins' classes: what is done to such a class is done to the true one."""

    def __call__(cls, *args, **kwargs):
        return LINK.side.call(cls, args, kwargs)

    def __getattr__(cls, name):
        return _ask_attribute(cls, name)

    def __setattr__(cls, name, value):
        LINK.side.setattr(cls, name, value)

    def __iter__(cls):
        return _ask_named(cls, "special", "__iter__", cls, args=())

    def __len__(cls):
        return _ask_named(cls, "special", "__len__", cls, args=())

    def __bool__(cls):
        return True

    def __delattr__(cls, name):
        LINK.side.ask("delattr", cls, name)

    def __getitem__(cls, key):
        return _ask_named(cls, "getitem", cls, key)

    def __contains__(cls, item):
        return _ask_named(cls, "special", "__contains__", cls, args=(item,))

    def __repr__(cls):
        return "<class '%s.%s'>" % (cls.__module__, cls.__qualname__)


def _stand_in_class(name, parents, members):
    return type.__new__(RemoteType, name, parents, members)


def _negated(answer):
    return answer if answer is NotImplemented else not answer


_OBJECT = {
    "__getattr__": _ask_attribute,
    "__setattr__": lambda mine, name, value: LINK.side.setattr(mine, name, value),
    "__delattr__": lambda mine, name: LINK.side.ask("delattr", mine, name),
    "__copy__": lambda mine: LINK.side.ask("copy", mine, False),
    "__deepcopy__": lambda mine, memo: LINK.side.ask("copy", mine, True),
    "__dir__": lambda mine: LINK.side.ask("dir", mine),
    "__eq__": lambda mine, other: LINK.side.equal(mine, other),
    "__ne__": lambda mine, other: _negated(LINK.side.equal(mine, other)),
    "__hash__": lambda mine: get_slot(mine, "_proofbox_hash"),
    "__str__": lambda mine: LINK.side.special("__str__", mine, ()),
    "__repr__": lambda mine: LINK.side.special("__repr__", mine, ()),
    "__slots__": ("_proofbox_number", "_proofbox_hash", "__weakref__"),
    "__module__": "builtins",
    "_proofbox_methods": frozenset(),
}
# An object of the solution's.
Remote = _stand_in_class("object", (), _OBJECT)


def _asked(name):
    """The special method that asks the true object."""
    if name == "__call__":
        return lambda mine, *args, **kwargs: LINK.side.call(mine, args, kwargs)
    if name in OPERATORS:
        return lambda mine, *others: LINK.side.operate(name, mine, others)
    return lambda mine, *args: LINK.side.special(name, mine, args)


_SPECIAL = {name: _asked(name) for name in [*FORWARDED, *OPERATORS]}
# What can be called and is described no further.
Function = _stand_in_class("function", (Remote,), {
    "__slots__": (), "__call__": _SPECIAL["__call__"], "__module__": "builtins", "_proofbox_foreign": None, "_proofbox_class_number": 0,
    "__doc__": property(lambda mine: LINK.side.ask("getattr", mine, "__doc__")),
})


def make_class(number, home, qualname, text, parents, methods, base_name):
    """A class for stand-ins of the described one's instances."""
    if not all(type(name) is str for name in (home, qualname, *methods)) or not (text is None or type(text) is str):
        raise Garbled("a class without a name")
    # Of a library's class: the solution gave out an object that means more than what can be asked.
    is_known = home in sys.modules and not isinstance(sys.modules[home], SolutionModule) and home not in PLAINLY_ASKED
    members = {
        "__module__": home, "__qualname__": qualname, "__doc__": text, "_proofbox_class_number": number, "_proofbox_base": base_name,
        "_proofbox_methods": frozenset(methods), "_proofbox_foreign": "%s.%s" % (home, qualname) if is_known else None,
    }
    parents = [base for base in parents if isinstance(base, type)]
    is_error = any(issubclass(base, BaseException) for base in parents)
    root = BaseException if is_error else Remote if base_name is None else DATA[base_name]
    parents = tuple(base for base in parents if issubclass(base, root)) or (root,)
    if is_error:
        members["__str__"] = lambda mine: get_slot(mine, "__dict__").get("_proofbox_text", "")
        members.update({name: _OBJECT[name] for name in ("__getattr__", "__copy__", "__deepcopy__")})
        if "__eq__" in methods:
            members.update({name: _OBJECT[name] for name in ("__eq__", "__ne__", "__hash__")})
    elif base_name is not None:
        members.update(_data_methods(methods, root))
    else:
        members["__slots__"] = ()
        for name in methods:
            plain = name.lstrip("-")
            if plain in _SPECIAL:
                members[plain] = None if name[:1] == "-" else _SPECIAL[plain]
        if "-__hash__" in methods:
            members["__hash__"] = None
    name = qualname.rpartition(".")[2] or "object"
    try:
        return _stand_in_class(name, parents, members)
    except TypeError:  # Parents that do not go together here, where some of them are missing.
        return _stand_in_class(name, parents[:1], members)


def _data_methods(methods, base):
    """Of an object that also is data: it is compared and hashed as its content is, and a known one is asked for what its
    class has made otherwise."""

    def own(name, of_base):
        def carry_out(mine, *args):
            if LINK.side.number_of(mine) in LINK.side.known:
                return _SPECIAL[name](mine, *args)
            return of_base(mine, *args)

        return carry_out

    def method(name):
        def get(mine):
            if LINK.side.number_of(mine) in LINK.side.known:
                return LINK.side.getattr(mine, name)
            return getattr(base, name).__get__(mine)

        return property(get)

    made = {name: _OBJECT[name] for name in ("__getattr__", "__setattr__", "__delattr__", "__copy__", "__deepcopy__")}
    made["_proofbox_number"] = property(lambda mine: LINK.side.numbers[id(mine)])
    for name in set(methods) - OF_DATA:
        if name in _SPECIAL:
            made[name] = own(name, getattr(base, name)) if hasattr(base, name) else _SPECIAL[name]
        elif name in ("__str__", "__repr__"):
            made[name] = _OBJECT[name]
        elif name[:2] != "__" and hasattr(base, name):
            made[name] = method(name)
    asks = "__eq__" in methods
    made["__eq__"] = lambda mine, other: LINK.side.equal_data(base, mine, other, asks)
    made["__ne__"] = lambda mine, other: _negated(LINK.side.equal_data(base, mine, other, asks))
    made["__hash__"] = base.__hash__
    return made


class SolutionModule(type(sys)):
    """The solution's module, or another of its files, as tests import it."""

    def __init__(self, name, side, is_entry):
        super().__init__(name)
        vars(self)["_proofbox"] = side, is_entry

    def __getattr__(self, name):
        side, is_entry = vars(self)["_proofbox"]
        if name == "__all__":
            # A star import brings in nothing: what is named is there already.
            return []
        if name[:2] == "__":
            raise AttributeError(name)
        if not is_entry:
            return side.getattr(side.ask("module", self.__name__), name)
        found = side.names([name])
        side.questions += 1
        if name not in found:
            raise MissingFromSolution(name)
        return found[name]

    def __setattr__(self, name, value):
        side, is_entry = vars(self)["_proofbox"]
        if name[:2] == "__" or not is_entry:
            return super().__setattr__(name, value)
        side.ask("set_name", name, value, is_open=True)

    def __delattr__(self, name):
        return vars(self)["_proofbox"][0].ask("del_name", name)
