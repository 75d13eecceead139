"""Whether runs of a solution may share a process: what its compiled code names is looked at, before anything of it is executed."""

import gc
import sys

# Attributes by which an object of the program's own leads out of what is its own.
_DENIED = frozenset(
    (
        # Frames, and with them everything.
        "f_back f_builtins f_code f_globals f_locals f_trace gi_code gi_frame cr_code cr_frame ag_code ag_frame "
        "tb_frame tb_next with_traceback "
        # What an exception met, whatever that was.
        "obj "
        # A list that abstract classes keep.
        "register "
        # Files below the streams.
        "raw fileno detach"
    ).split()
)
# What objects of `typing` take for themselves where others are set on the type behind them.
_INSIDE_TYPING = frozenset("_getitem _inst _name _nparams _paramspec_tvars _typevar_types".split())


def opcodes():
    from opcode import opmap

    names = """
        IMPORT_NAME IMPORT_FROM IMPORT_STAR SWAP POP_TOP MATCH_CLASS LOAD_ATTR LOAD_METHOD STORE_ATTR DELETE_ATTR
        LOAD_NAME LOAD_GLOBAL LOAD_FAST LOAD_DEREF LOAD_CLASSDEREF STORE_NAME STORE_GLOBAL STORE_FAST STORE_DEREF
        DELETE_NAME DELETE_GLOBAL EXTENDED_ARG CACHE
    """
    return tuple(opmap[name] for name in names.split()) if sys.version_info[:2] == _VERSION else ()


_OPCODES = opcodes()
if _OPCODES:
    (
        _IMPORT_NAME, _IMPORT_FROM, _IMPORT_STAR, _SWAP, _POP_TOP, _MATCH_CLASS,
        _LOAD_ATTR, _LOAD_METHOD, _STORE_ATTR, _DELETE_ATTR,
        _LOAD_NAME, _LOAD_GLOBAL, _LOAD_FAST, _LOAD_DEREF, _LOAD_CLASSDEREF,
        _STORE_NAME, _STORE_GLOBAL, _STORE_FAST, _STORE_DEREF, _DELETE_NAME, _DELETE_GLOBAL, _EXTENDED_ARG, _CACHE,
    ) = _OPCODES
    # First, for they make some of what is to be watched.
    use_once()
    _MAY_NAME, _RECORDS = what_is_offered()
    _WATCHED = tuple({id(part): part for part in (*library_dicts(), *_RECORDS)}.values())
    # By its type, any value and any exception of a library's leads to functions, each of which takes attributes.
    _OF_FUNCTIONS = tuple(thing.__dict__ for thing in gc.get_objects() if type(thing) is _FUNCTION)


def may_share(driver, code, names):
    """Whether runs of the code, which reads these names of its prelude, may share a process."""
    if not _OPCODES:
        return False
    # Name to the modules that it may be bound to, in whatever scope; and the libraries that are used.
    bound, used = {}, set()
    if names and not takes_offered(driver.prelude_table(), names, bound, used):
        return False
    parts = list(driver.code_objects(code))
    refused = _DENIED | driver._NEEDS_TEARDOWN
    for part in parts:
        names = part.co_names
        if not refused.isdisjoint(names):
            return False
        for name in names:
            if name[:2] == "__" and name not in _SPECIAL:
                return False
        if part.co_flags & driver._GENERATOR_FLAGS & ~0x20:
            return False
        ops = part.co_code[::2]
        # Its attributes are named in a constant.
        if _MATCH_CLASS in ops:
            return False
        # What a class imports is an attribute of it (CO_OPTIMIZED is what functions have).
        if _IMPORT_NAME in ops and not ((part is code or part.co_flags & 1) and imports_offered(part, bound, used)):
            return False
    hidden = set()
    if not all(_NOT_BUILTINS.isdisjoint(part.co_names) for part in parts):
        hidden = hidden_builtins(code, parts)
    watched = (_NOT_BUILTINS - hidden) | _NOT_ASKED | bound.keys()
    if "typing" in used:
        watched |= _INSIDE_TYPING
    if "copy" in used:
        # By `type` a class can have methods that are named nowhere, and such a method can tell `copy` to set
        # anything of anything.
        watched |= {"type"}
    return all(names_offered(part, bound, watched) for part in parts)


def takes_offered(table, names, bound, used):
    """The same of a prelude's names as `imports_offered` of what is imported."""
    for name in names & table.keys():
        library, attribute = table[name]
        if library is None:
            continue
        library = _SAME_AS.get(library, library)
        if library not in _MAY_NAME:
            return False
        used.add(library)
        if attribute is None:
            bound.setdefault(name, set()).add(library)
        elif attribute not in _MAY_NAME[library]:
            return False
    return True


def instructions(part):
    """Operation and argument of every instruction."""
    extended = 0
    found = []
    code = part.co_code
    for op, arg in zip(code[::2], code[1::2]):
        arg |= extended
        extended = 0
        if op == _EXTENDED_ARG:
            extended = arg << 8
        elif op != _CACHE:
            found.append((op, arg))
    return found


def imports_offered(part, bound, used):
    """Whether what the code imports is offered. Notes the names that are bound to modules."""
    names, steps = part.co_names, instructions(part)

    def stored(at):
        op, arg = steps[at]
        if op in (_STORE_NAME, _STORE_GLOBAL):
            return names[arg]
        return part._varname_from_oparg(arg) if op in (_STORE_FAST, _STORE_DEREF) else None

    for at, (op, arg) in enumerate(steps):
        if op != _IMPORT_NAME:
            continue
        library = names[arg]
        # One that is not loaded would be looked for beside the program.
        if library not in _MAY_NAME or library not in sys.modules:
            return False
        used.add(library)
        at += 1
        if steps[at][0] == _IMPORT_STAR:
            content = vars(sys.modules[library])
            for name in content.get("__all__") or [name for name in content if name[:1] != "_"]:
                if name not in _MAY_NAME[library]:
                    bound.setdefault(name, set()).add("")
        elif steps[at][0] != _IMPORT_FROM:
            # `import a.b` binds `a`.
            name = stored(at)
            if name is None:
                return False
            bound.setdefault(name, set()).add(library.partition(".")[0])
        elif steps[at + 1][0] == _SWAP:
            # `import a.b as c`.
            name = stored(at + 3)
            if name is None or steps[at + 2][0] != _POP_TOP:
                return False
            bound.setdefault(name, set()).add(library)
        while steps[at][0] == _IMPORT_FROM and steps[at + 1][0] != _SWAP:
            attribute, name = names[steps[at][1]], stored(at + 1)
            if name is None:
                return False
            if attribute not in _MAY_NAME[library]:
                inner = library + "." + attribute
                if library != "__future__" and inner not in _MAY_NAME:
                    return False
                bound.setdefault(name, set()).add("" if library == "__future__" else inner)
            at += 2
    return True


def hidden_builtins(code, parts):
    """Which of the builtins that are not offered the code hides behind globals of its own. Where it deletes any
    such name, none is: what was hidden may be seen again."""
    hidden = set()
    for part in parts:
        names = part.co_names
        for op, arg in instructions(part):
            if op == _STORE_GLOBAL or (op == _STORE_NAME and part is code):
                hidden.add(names[arg])
            elif (op == _DELETE_GLOBAL or op == _DELETE_NAME) and names[arg] in _NOT_BUILTINS:
                return set()
    return hidden & _NOT_BUILTINS


def names_offered(part, bound, watched):
    """Whether of modules, and of the builtins, the code names only what is offered, and sets no attribute of the
    interpreter's or of `typing`."""
    names = part.co_names
    ops = part.co_code[::2]
    sets_attributes = _STORE_ATTR in ops or _DELETE_ATTR in ops
    if (
        watched.isdisjoint(names)
        and watched.isdisjoint(part.co_varnames)
        and watched.isdisjoint(part.co_cellvars)
        and watched.isdisjoint(part.co_freevars)
        and not (sets_attributes and any(name[:2] == "__" for name in names))
    ):
        return True
    steps = instructions(part)
    for at, (op, arg) in enumerate(steps):
        if op == _LOAD_NAME or op == _LOAD_GLOBAL:
            name = names[arg if op == _LOAD_NAME else arg >> 1]
            if name in bound:
                if not asks_offered(names, steps, at, bound[name]):
                    return False
            elif name in watched and name not in _NOT_ASKED:
                return False
        elif op == _LOAD_FAST or op == _LOAD_DEREF or op == _LOAD_CLASSDEREF:
            name = part._varname_from_oparg(arg)
            if name in bound and not asks_offered(names, steps, at, bound[name]):
                return False
        elif op == _LOAD_ATTR or op == _LOAD_METHOD:
            if names[arg] in _NOT_ASKED:
                return False
        elif op == _STORE_ATTR or op == _DELETE_ATTR:
            if names[arg][:2] == "__" or (names[arg] in _INSIDE_TYPING and names[arg] in watched):
                return False
    return True


def asks_offered(names, steps, at, libraries):
    """Whether a module that has just been loaded is asked for something that is offered, and not handed on."""
    op, arg = steps[at + 1]
    if op != _LOAD_ATTR and op != _LOAD_METHOD:
        return False
    attribute = names[arg]
    for library in libraries:
        if attribute in _MAY_NAME[library]:
            continue
        inner = library + "." + attribute
        if inner not in _MAY_NAME or not asks_offered(names, steps, at + 1, (inner,)):
            return False
    return True
