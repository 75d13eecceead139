"""Makes one call of a function of the solution's and records what came of it."""

import marshal
import posix
import sys


def run_function(compiled, entry, prelude, call, result_fd):
    """Runs the code as a module, makes the call and ends the process. Skips the interpreter's
    slow exit: nothing that the solution would do there can change the result."""
    write, flush_and_exit = make_writer(result_fd), make_exit()
    posix.set_inheritable(result_fd, False)
    tag, content, error = result_of_call(compiled, entry, prelude, call)
    write(tag, content)
    if error is not None:
        show_exception(error)
    flush_and_exit(1 if tag in ("missing", "raised") else 0)


def result_of_call(compiled, entry, prelude, call, hidden={}):
    """Tag and content of the record of a call, which is made in a new module, and the exception to show.
    `hidden`: what the module finds in place of builtins until it has bound their names."""
    name, args, kwargs = marshal.loads(call)
    code, names = compiled
    namespace = new_module(MODULE_NAME, entry)
    sys.modules["__main__"] = sys.modules[MODULE_NAME]
    namespace.update(hidden)
    given = {**hidden, **bind_prelude(namespace, prelude, names)}
    try:
        exec(code, namespace)
        function, problem = find_function(namespace, given, name)
        if function is None:
            return "missing", problem, None
        args, has_nodes = with_nodes(function, namespace, args)
        result = function(*args, **kwargs)
        if has_nodes and result is None and mentions_node(annotations(function).get("return")):
            result = []
        sys.setrecursionlimit(max(sys.getrecursionlimit(), 10 * MAX_DEPTH))
        return (*exactly(result), None)
    except Unsupported as error:
        return "unsupported", str(error), None
    except BaseException as error:
        return "raised", describe(error), error


def find_function(namespace, given, name):
    """The callable that a call of `name` means, or (None, why not).

    In this order: a callable that the module itself made under that name; that method of `class
    Solution`, else of the only other class that has it; else, since answers often use another
    name, the only candidate among the module's public functions, Solution's public methods and
    a function imported under that name (`from heapq import *` must not hide Solution.merge)."""
    own = {}
    for key, value in namespace.items():
        is_own = getattr(value, "__module__", None) == namespace["__name__"]
        if is_own and callable(value) and given.get(key) is not value:
            own[key] = value
    found = namespace.get(name)
    is_callable = callable(found) and given.get(name) is not found
    is_imported = is_callable and name not in own and getattr(found, "__name__", None) == name
    if is_callable and not is_imported:
        return found, None
    solution = own.get("Solution")
    if isinstance(solution, type) and callable(getattr(solution, name, None)):
        return method_of(solution, name), None
    classes = {id(value): value for value in own.values() if isinstance(value, type)}
    having = [owner for owner in classes.values() if is_method(owner, name)]
    if len(having) > 1:
        return None, "several classes have a method " + name
    if having:
        return method_of(having[0], name), None
    candidates = {id(value): value for key, value in own.items() if not isinstance(value, type) and key[:1] != "_"}
    if is_imported:
        candidates[id(found)] = found
    methods = []
    if isinstance(solution, type):
        methods = [key for key in list(solution.__dict__) if key[:1] != "_" and is_method(solution, key)]
    if len(candidates) + len(methods) != 1:
        return None, "there is no function %s, and %d others" % (name, len(candidates) + len(methods))
    return (method_of(solution, methods[0]) if methods else next(iter(candidates.values()))), None


def method_of(owner, name):
    return getattr(owner if is_static(owner, name) else owner(), name)


def is_method(owner, name):
    return callable(owner.__dict__.get(name)) or is_static(owner, name)


def is_static(owner, name):
    return isinstance(owner.__dict__.get(name), (staticmethod, classmethod))


def annotations(function):
    """The function's annotations; evaluated or not, the text of each tells what is needed here."""
    try:
        return getattr(function, "__func__", function).__annotations__
    except Exception:  # Evaluated on demand from 3.14 on.
        return {}


def mentions_node(annotation):
    """`ListNode` or `TreeNode`, whichever the annotation mentions, or None."""
    if annotation is None:
        return None
    text = annotation if type(annotation) is str else repr(annotation)
    return next((name for name in ("ListNode", "TreeNode") if name in text), None)


def with_nodes(function, namespace, args):
    """The arguments, of which lists are made into nodes where the annotation of the parameter asks for
    nodes (LeetCode's convention), and whether there were any."""
    known = annotations(function)
    if not known or not any(type(arg) is list for arg in args):
        return args, False
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    if code is None:
        return args, False
    first = 1 if hasattr(function, "__func__") else 0
    converted, has_nodes = list(args), False
    for place, name in enumerate(code.co_varnames[first : code.co_argcount]):
        node = mentions_node(known.get(name))
        if node is None or place >= len(args) or type(args[place]) is not list:
            continue
        has_nodes = True
        make = linked_of if node == "ListNode" else tree_of
        owner = namespace.get(node)
        owner = owner if isinstance(owner, type) else node_class(node)
        arg = args[place]
        if arg and all(type(item) is list for item in arg):
            converted[place] = [make(owner, item) for item in arg]
        else:
            converted[place] = make(owner, arg)
    return converted, has_nodes


def linked_of(owner, values):
    head = None
    for value in reversed(values):
        node = owner(value)
        node.next = head
        head = node
    return head


def tree_of(owner, values):
    """A binary tree from LeetCode's list form; see `level_order`."""
    nodes = [None if value is None else owner(value) for value in values]
    children = iter(nodes[1:])
    for node in nodes:
        if node is not None:
            node.left = next(children, None)
            node.right = next(children, None)
    return nodes[0] if nodes else None
