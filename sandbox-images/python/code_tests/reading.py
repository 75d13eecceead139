"""What the text of tests says, before anything of the solution's is heard: which names they expect of it, whether
they must share its process, and where they check something.

Who decides that tests share the solution's process is their text, and nothing that the solution does. What is known
to work across two processes is listed here; tests that use anything else are run as plain Python runs them.
"""

import builtins

import _ast

# Modules that tests may use beside a solution in another process; of some of them these names only.
MODULES = {name: None for name in (
    "math cmath string re collections collections.abc heapq bisect copy random statistics itertools functools operator typing decimal "
    "fractions datetime json numbers enum abc time numpy numpy.testing unittest unittest.case pytest textwrap pprint uuid ast hashlib "
    "base64 calendar zoneinfo struct ipaddress unicodedata html urllib.parse difflib fnmatch __future__"
).split()}
MODULES["sys"] = frozenset("maxsize float_info version_info version byteorder exit path".split())
MODULES["contextlib"] = frozenset(("suppress", "nullcontext"))
MODULES["dataclasses"] = frozenset(("dataclass", "field"))
MODULES["types"] = frozenset(("SimpleNamespace",))
# And of none of them these, nor these builtins and attributes, wherever they are used.
OF_MODULES = frozenset(
    (
        "seed setstate set_state getstate mock warns deprecated_call getcontext setcontext localcontext seterr seterrcall errstate "
        "set_printoptions printoptions setfirstweekday setlocale tzset MonkeyPatch importorskip get_type_hints"
    ).split()
)
OF_BUILTINS = frozenset("open input eval exec compile __import__ globals locals vars breakpoint dir hash memoryview".split())
OF_OBJECTS = frozenset("assertLogs assertNoLogs assertWarns assertWarnsRegex nan flags setflags".split())
# Whose types' children show only in the solution's own process.
OF_TYPES = frozenset("abc enum collections collections.abc numbers typing".split())
# What pytest brings along for looking at the process.
FIXTURES = frozenset(
    (
        "tmp_path tmpdir tmp_path_factory tmpdir_factory capsys capfd capsysbinary capfdbinary caplog monkeypatch mocker recwarn testdir "
        "pytester cache pytestconfig event_loop"
    ).split()
)
DUNDERS = frozenset("__name__ __doc__ __class__ __cause__ __context__ __suppress_context__ __defaults__ __module__ __qualname__ __version__".split())
MATCHES = (_ast.Match,) if hasattr(_ast, "Match") else ()
TRIES = frozenset(("raises", "assertRaises", "assertRaisesRegex", "fail"))
ENDINGS = frozenset(("exit", "quit", "_exit", "SystemExit"))
# Modules that tests use without importing them, as the solution does; by their own names and others.
USUAL_MODULES = {"np": "numpy", **{name: name for name in (
    "math cmath string re collections heapq bisect copy random statistics itertools functools operator typing decimal fractions datetime json "
    "numbers time numpy sys os io"
).split()}}
BUILTINS = frozenset(name for name in vars(builtins) if name[:2] != "__" or name == "__import__")
CHECKED, MET, OTHERS = "_proofbox_checked", "_proofbox_met", "_proofbox_of_tests_"


class Reading:
    """One pass over the syntax trees of set-up, tests and entry point."""

    def __init__(self, trees, own_modules, bound_at_top):
        self.own_modules, self.bound_at_top = frozenset(own_modules), bound_at_top
        # Names by what the tests do with them; `solution_names`: by which they import the solution or what is in it.
        self.called, self.called_itself, self.imported, self.defined, self.loaded = set(), set(), set(), set(), set()
        self.solution_names, self.homes, self.of_types, self.checked = set(), set(), set(), None
        self.fixtures, self.parameters, self.bases = set(), set(), set()
        self.globals = set()
        # Names of whose calls the text expects data; whether it compares by identity.
        self.number_names, self.keeps_identity = set(), False
        self.aliases, self.attributes, self.set_on, self.assigned, self.inspected = {}, [], set(), set(), set()
        # Why the tests must share the solution's process; None if they need not.
        self.why = None
        for tree in trees:
            for node in walk(tree):
                reader = READERS.get(type(node))
                if reader is not None:
                    reader(self, node)
            for statement in tree.body if type(tree) is _ast.Module else ():
                if type(statement) is _ast.Assign:
                    self.assigns(statement)
        self.conclude()

    def share(self, why):
        self.why = self.why or "they " + why

    def inspects(self, args):
        """`isinstance` or `issubclass`."""
        stack = list(args)
        while stack:
            node = stack.pop()
            stack.extend(getattr(node, "elts", ()))
            if type(node) is _ast.Name:
                self.inspected.add(node.id)
            elif type(node) is _ast.Attribute and type(node.value) is _ast.Name:
                self.inspected.add(node.value.id)

    def expects_numbers(self, call):
        """What is called in here, or here less a number, is no class: its result is compared as data is."""
        for node in call.args:
            sides = (node.left, node.right) if type(node) is _ast.BinOp and type(node.op) is _ast.Sub else (node,)
            if len(sides) == 1 and name_of(call.func) == "abs" or len(sides) == 2 and not LITERALS.intersection(map(type, sides)):
                continue
            self.number_names.update(side.func.id for side in sides if type(side) is _ast.Call and type(side.func) is _ast.Name)

    def compares(self, node):
        """By identity, which values that do not change lose on their way; or with data."""
        sides = [node.left, *node.comparators]
        for place, operator in enumerate(node.ops):
            if type(operator) in (_ast.Eq, _ast.NotEq):
                for one, other in (sides[place : place + 2], sides[place + 1 : place - 1 if place else None : -1]):
                    if type(one) is _ast.Call and type(one.func) is _ast.Name and type(getattr(other, "operand", other)) in LITERALS:
                        self.number_names.add(one.func.id)
            if type(operator) in (_ast.Is, _ast.IsNot) and not any(map(is_one_of_a_kind, sides[place : place + 2])):
                self.keeps_identity = True

    def assigns(self, node):
        """What is given a constant at the top is meant for somebody to read."""
        if type(node.value) in (_ast.Constant, _ast.Lambda, _ast.List, _ast.Dict, _ast.Set, _ast.Tuple, _ast.UnaryOp):
            self.assigned.update(target.id for target in node.targets if type(target) is _ast.Name and target.id[:1] != "_")

    def call(self, node):
        function = node.func
        if name_of(function) in CLOSENESS:
            self.expects_numbers(node)
        if type(function) is _ast.Name and len(node.args) > 1:
            if function.id in ("setattr", "delattr") and type(node.args[0]) is _ast.Name:
                self.set_on.add(node.args[0].id)
            if function.id in ("setattr", "delattr", "getattr", "hasattr") and getattr(node.args[1], "value", None) in DUNDERS_HELD:
                self.share("use " + node.args[1].value)
        if type(function) is _ast.Name and function.id in ("isinstance", "issubclass", "callable"):
            self.inspects(node.args)
        if type(function) is _ast.Name:
            self.called_itself.add(function.id)
            if function.id == "check" and len(node.args) == 1 and type(node.args[0]) is _ast.Name:
                self.checked = node.args[0].id
        root = function
        while type(root) is _ast.Attribute:
            root = root.value
        if type(root) is _ast.Name:
            self.called.add(root.id)
        if type(function) is _ast.Attribute and function.attr == "parametrize" and node.args:
            texts = [getattr(item, "value", None) for item in getattr(node.args[0], "elts", node.args[:1])]
            self.fixtures.update(part.strip() for text in texts if type(text) is str for part in text.split(","))

    def imports(self, node):
        for alias in node.names:
            self.homes.add(alias.name)
            top = alias.name.partition(".")[0]
            name = alias.asname or top
            if alias.name in self.own_modules:
                self.solution_names.add(name)
                continue
            self.imported.add(name)
            self.aliases[name] = alias.name if alias.asname else top
            self.module(alias.name, None)
            if alias.name in OF_TYPES:
                self.of_types.add(name)

    def imports_from(self, node):
        home = node.module or ""
        names = [alias.asname or alias.name for alias in node.names]
        self.homes.add(home)
        if home in self.own_modules and not node.level:
            self.solution_names.update(names)
            return
        if names == ["*"] and home in MODULES:
            names = [name for name in dir(__import__(home, None, None, ("*",))) if name[:1] != "_"]
        self.imported.update(names)
        if home in OF_TYPES:
            self.of_types.update(set(names) - {"Counter", "OrderedDict", "defaultdict", "deque"})
        self.module(home, [alias.name for alias in node.names])

    def module(self, name, names):
        allowed = MODULES.get(name)
        if name not in MODULES or (allowed is not None and names is not None and not allowed.issuperset(names)):
            self.share("use " + name)
        for word in OF_MODULES.intersection(names or ()):
            self.share("use %s.%s" % (name, word))

    def defines(self, node):
        self.defined.add(node.name)
        for decorator in getattr(node, "decorator_list", ()):
            target = decorator.func if type(decorator) is _ast.Call else decorator
            if getattr(target, "attr", getattr(target, "id", None)) == "fixture":
                self.fixtures.add(node.name)
                self.parameters.update(argument.arg for argument in node.args.args)
        if type(node) is not _ast.ClassDef and node.name[:4] == "test":
            count = len(node.args.args) - len(node.args.defaults)
            self.parameters.update(argument.arg for argument in node.args.args[:count])

    def defines_class(self, node):
        self.defines(node)
        for base in node.bases:
            while type(base) is _ast.Attribute:
                base = base.value
            if type(base) is _ast.Name:
                self.bases.add(base.id)

    def awaits(self, node):
        self.share("await coroutines")
        if type(node) is _ast.AsyncFunctionDef:
            self.defines(node)

    def conclude(self):
        for name, home in USUAL_MODULES.items():
            if name in self.loaded and name not in self.defined | self.imported and any(getattr(node.value, "id", None) == name for node in self.attributes):
                self.aliases.setdefault(name, home)
                if home not in MODULES:
                    self.share("use " + home)
        for name in sorted((self.assigned - self.loaded - {"METADATA"}) | (self.globals - self.bound_at_top)):
            self.share("assign %s, which only the solution may read" % name)
        for base in self.bases - self.defined - self.imported - BUILTINS:
            self.share("derive a class from the solution's " + base)
        for name in sorted(OF_BUILTINS & self.loaded - self.defined - self.imported):
            self.share("use %s()" % name)
        for name in sorted(FIXTURES & self.parameters - self.fixtures):
            self.share("use pytest's " + name)
        for name in sorted(self.inspected & self.of_types):
            self.share("look for children of " + name)
        for name in sorted(self.set_on & self.aliases.keys()):
            self.share("replace parts of " + name)
        for node in self.attributes:
            self.look_at(node)

    def look_at(self, node):
        name, owner = node.attr, node.value
        self.keeps_identity |= name in ("assertIs", "assertIsNot")
        if name in OF_OBJECTS or (name[:2] == name[-2:] == "__" and name not in DUNDERS and name not in SPECIALS):
            self.share("use " + name)
        root, depth = owner, 0
        while type(root) is _ast.Attribute:
            root, depth = root.value, depth + 1
        home = self.aliases.get(root.id) if type(root) is _ast.Name else None
        if home is not None:
            allowed = MODULES.get(home)
            if type(node.ctx) is not _ast.Load or name in OF_MODULES or (depth == 0 and allowed is not None and name not in allowed):
                self.share("use %s.%s" % (home, name))


def walk(tree):
    """The node and all below it."""
    stack = [tree]
    while stack:
        node = stack.pop()
        yield node
        for field in node._fields:
            value = getattr(node, field, None)
            if type(value) is list:
                stack.extend([item for item in value if isinstance(item, _ast.AST)])
            elif isinstance(value, _ast.AST) and type(value) not in CONTEXTS:
                stack.append(value)


def is_one_of_a_kind(node):
    """Whether both sides have the very same object for it: None, a constant, a type."""
    if type(node) is _ast.Name:
        return node.id in BUILTINS
    return type(node) is _ast.Constant or (type(node) is _ast.Call and name_of(node.func) == "type") or getattr(node, "attr", None) == "__class__"


SPECIALS = frozenset(
    "__%s__" % name
    for name in (
        "len iter next call getitem setitem delitem contains enter exit bool int float index abs neg pos invert eq ne lt le gt ge hash str "
        "repr format bytes add sub mul truediv floordiv mod pow and or xor matmul radd rsub rmul rtruediv iadd isub imul reversed"
    ).split()
)
LITERALS = frozenset((_ast.Constant, _ast.List, _ast.Tuple, _ast.Dict, _ast.Set))
CLOSENESS = frozenset("abs isclose allclose approx assertAlmostEqual assert_allclose assert_almost_equal".split())
DUNDERS_HELD = frozenset("__dict__ __slots__ __annotations__ __init__ __hash__ __wrapped__ __code__ __mro__ __bases__".split())
CONTEXTS = frozenset((_ast.Load, _ast.Store, _ast.Del))
READERS = {
    _ast.Name: lambda self, node: type(node.ctx) is _ast.Load and self.loaded.add(node.id),
    _ast.Call: Reading.call,
    _ast.Attribute: lambda self, node: self.attributes.append(node),
    _ast.Import: Reading.imports,
    _ast.ImportFrom: Reading.imports_from,
    _ast.FunctionDef: Reading.defines,
    _ast.ClassDef: Reading.defines_class,
    _ast.AsyncFunctionDef: Reading.awaits,
    _ast.Await: Reading.awaits,
    _ast.Global: lambda self, node: self.globals.update(node.names),
    _ast.Compare: Reading.compares,
    _ast.Constant: lambda self, node: node.value == "nan" and self.share("use nan, which is told by identity"),
    _ast.AsyncFor: Reading.awaits,
    _ast.AsyncWith: Reading.awaits,
}


def mark_checks(tree):
    """Has the tests call `_proofbox_checked()` behind whatever checks something."""
    (marker,) = compile(CHECKED + "()", "<mark>", "exec", 0x400, True).body
    stack = [tree]
    while stack:
        node = stack.pop()
        for field in ("body", "orelse", "finalbody", "handlers", "cases"):
            statements = getattr(node, field, None)
            if type(statements) is not list:
                continue
            stack.extend(statements)
            if field not in ("handlers", "cases") and any(is_check(statement) or is_ending(statement) for statement in statements):
                marked = []
                for statement in statements:
                    # The end of the tests with a code is a check that nothing comes past.
                    marked += [marker, statement] if is_ending(statement) else [statement, marker] if is_check(statement) else [statement]
                statements[:] = marked


def is_check(statement):
    """Whether a test that comes past this statement has checked something: an assertion, a condition under which it
    would have failed, or something that had to be raised."""
    kind = type(statement)
    if kind is _ast.Assert:
        return True
    if kind is _ast.Expr and type(statement.value) is _ast.Call:
        name = name_of(statement.value.func)
        return name[:6] == "assert" or name in TRIES
    if kind is _ast.If:
        # Not where an assertion stands within: that marks itself, if it is carried out.
        return any(type(inner) is _ast.Raise or bool(ending_of(inner)) for inner in statement.body + statement.orelse)
    if kind is _ast.Try:
        parts = [statement.body, statement.orelse, statement.finalbody, *[handler.body for handler in statement.handlers]]
        return any(may_fail(inner) for part in parts for inner in part)
    if kind in MATCHES:
        return any(may_fail(inner) for case in statement.cases for inner in case.body)
    if kind is _ast.With:
        return any(type(item.context_expr) is _ast.Call and name_of(item.context_expr.func) in TRIES for item in statement.items)
    return False


def may_fail(statement):
    return type(statement) is _ast.Raise or is_check(statement) or bool(ending_of(statement))


def is_ending(statement):
    """`sys.exit(0 if ... else 1)`: with a code that is computed."""
    call = ending_of(statement)
    return call is not None and bool(call.args) and type(call.args[0]) is not _ast.Constant


def ending_of(statement):
    call = getattr(statement, "value", None) if type(statement) is _ast.Expr else getattr(statement, "exc", None) if type(statement) is _ast.Raise else None
    return call if type(call) is _ast.Call and name_of(call.func) in ENDINGS else None


def name_of(function):
    return getattr(function, "attr", None) or getattr(function, "id", None) or ""


def rename(trees, names, wrapped):
    """For tests in the solution's own scope. `names` are read, and imported, under other names, so that they are never
    the solution's; reading one of `wrapped` is noticed, for it is the solution's."""
    for tree in trees:
        stack = [tree]
        while stack:
            node = stack.pop()
            for field in node._fields:
                value = getattr(node, field, None)
                items = value if type(value) is list else [value]
                for place, item in enumerate(items):
                    if type(item) is _ast.Name and type(item.ctx) is _ast.Load:
                        if item.id in names:
                            item.id = OTHERS + item.id
                        elif item.id in wrapped:
                            call = compile(MET + "()", "<mark>", "eval", 0x400, True).body
                            call.args, items[place] = [item], call
                            if type(value) is not list:
                                setattr(node, field, call)
                    elif type(item) is _ast.alias:
                        if (item.asname or item.name) in names:
                            item.asname = OTHERS + (item.asname or item.name)
                    elif isinstance(item, _ast.AST) and field != "pattern":
                        stack.append(item)
