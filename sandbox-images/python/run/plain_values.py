"""A result as plain data: exact built-in types all the way down, which marshal writes."""

import sys

MAX_DEPTH = 200
MAX_ITEMS = 2_000_000


class Unsupported(Exception):
    """A result that cannot cross the cell's wall as plain data."""


def is_result(tag):
    """Whether a call's record holds what it returned."""
    return tag.partition(":")[0] in ("ok", "exact")


def exactly(result):
    """Tag and content of the record for a result."""
    budget = [MAX_ITEMS]
    value = plain(result, budget, 0)
    noted = budget[1:]
    tag = "exact" if "typed" in noted else "ok"
    made_plain = next((text for text in noted if text != "typed"), "")
    return tag + made_plain, value


_SCALARS = frozenset((type(None), bool, int, float, complex, str, bytes))


def plain(value, budget, depth):
    """The value as data that marshal writes: exact built-in types all the way down.

    What a value is, its real type says: `isinstance` would believe a `__class__` of the solution's
    making. Subclasses of built-in types are read through the built-in's own methods, never through
    the solution's overrides. `budget` is a list holding the number of items still allowed."""
    kind = type(value)
    if kind in _SCALARS:
        return value
    if depth > MAX_DEPTH:
        raise Unsupported("a value nested too deep, or holding itself")
    base = built_in_base(kind)
    if base is None:
        return plain_other(value, budget, depth)
    if kind is not base or base is bytearray:
        note_made_plain(kind, budget)
    if base is dict:
        pairs = dict.items(value)
        spend(budget, len(pairs))
        pairs = [(plain(key, budget, depth + 1), plain(item, budget, depth + 1)) for key, item in pairs]
        return hashed(dict, pairs)
    if base in (list, tuple, set, frozenset):
        return plain_items(base, value, budget, depth)
    return _READ_AS_BASE[base](value)


_READ_AS_BASE = {
    int: lambda value: int.__add__(value, 0),
    float: float.__pos__,
    complex: complex.__pos__,
    str: str.__str__,
    bytes: lambda value: bytes.__getitem__(value, slice(None)),
    bytearray: lambda value: bytes(bytearray.__getitem__(value, slice(None))),
}
_BASES_BY_ID = {id(base): base for base in (list, tuple, set, frozenset, dict, *_READ_AS_BASE)}


def built_in_base(kind, ancestors=type.__dict__["__mro__"].__get__):
    """The built-in type of data that the type derives from, or None. By identity: a metaclass may
    have its own idea of `==`."""
    for ancestor in ancestors(kind):
        base = _BASES_BY_ID.get(id(ancestor))
        if base is not None:
            return base
    return None


def plain_items(base, value, budget, depth):
    items = list(base.__iter__(value))
    spend(budget, len(items))
    if not _SCALARS.issuperset(map(type, items)):
        items = [plain(item, budget, depth + 1) for item in items]
    return items if base is list else hashed(base, items)


def hashed(container, items):
    try:
        return container(items)
    except TypeError:  # A key whose plain form is a list.
        raise Unsupported("a key or an item of a set that has no plain form") from None


def plain_other(value, budget, depth):
    kind = type(value)
    module, name = kind.__module__, kind.__name__
    # The others are what expected values have for them.
    if not ((module, name) in _EXACT or name in ("ListNode", "TreeNode") or is_member(kind)):
        note_made_plain(kind, budget)
    if module == "numpy" and hasattr(kind, "tolist"):
        as_list = value.tolist()
        if type(as_list) is not kind:
            return plain(as_list, budget, depth + 1)
    elif module == "array" and name == "array":
        return plain(value.tolist(), budget, depth)
    elif (module, name) in _EXACT:
        note_typed(budget)
        return ..., name, exact_text(value, name)
    elif name == "ListNode" and hasattr(value, "next"):
        return plain(realise(linked(value), budget), budget, depth)
    elif name == "TreeNode" and hasattr(value, "left"):
        return plain(level_order(value, budget), budget, depth)
    elif is_view(kind) or hasattr(kind, "__next__"):
        return plain(realise(value, budget), budget, depth)
    elif module == "collections" and name in ("UserDict", "UserList", "UserString"):
        return plain(value.data, budget, depth + 1)
    elif module == "collections" and name == "ChainMap":
        return plain(dict(value), budget, depth + 1)
    elif is_member(kind):
        note_typed(budget)
        return ..., "Enum", "%s.%s" % (name, str.__str__(value._name_)), plain(value._value_, budget, depth + 1)
    elif type(vars(kind).get("__dataclass_fields__")) is dict:
        # As `dataclasses.asdict`: what such an object is in JSON.
        fields = vars(kind)["__dataclass_fields__"]
        return plain({field: getattr(value, field) for field in fields}, budget, depth + 1)
    else:
        collections = sys.modules.get("_collections")
        if collections is not None and any(base is collections.deque for base in type.__dict__["__mro__"].__get__(kind)):
            return plain(realise(collections.deque.__iter__(value), budget), budget, depth)
    raise Unsupported((str(module) + "." + kind.__qualname__)[:MAX_TEXT])


_EXACT = frozenset(
    [("decimal", "Decimal"), ("fractions", "Fraction")]
    + [("datetime", name) for name in ("date", "datetime", "time", "timedelta")]
)


def exact_text(value, name):
    if name == "timedelta":
        return "%d" % ((value.days * 86400 + value.seconds) * 1000000 + value.microseconds)
    return str.__str__(str(value) if name in ("Decimal", "Fraction") else value.isoformat())


def is_member(kind):
    enum = sys.modules.get("enum")
    return enum is not None and any(base is enum.Enum for base in type.__dict__["__mro__"].__get__(kind))


def is_view(kind):
    if any(kind is view for view in (range, type({}.keys()), type({}.values()), type({}.items()))):
        return True
    return kind.__module__ == "builtins" and kind.__name__ in ("odict_keys", "odict_values", "odict_items")


def note_made_plain(kind, budget):
    """That a value of this type was read as plain data: once."""
    if len(budget) < 3:
        budget.append((":%s.%s" % (kind.__module__, kind.__qualname__))[:MAX_TEXT])


def note_typed(budget):
    if "typed" not in budget:
        budget.append("typed")


def realise(iterable, budget):
    items = []
    for item in iterable:
        spend(budget, 1)
        items.append(item)
    return items


def spend(budget, count):
    budget[0] -= count
    if budget[0] < 0:
        raise Unsupported("a value of more than %d items" % MAX_ITEMS)


def linked(node):
    seen = set()
    while node is not None:
        if id(node) in seen:
            raise Unsupported("a linked list that comes back to itself")
        seen.add(id(node))
        yield node.val
        node = node.next


def level_order(root, budget):
    """LeetCode's list form of a binary tree: level by level, None for a missing child, no None at
    the end."""
    values, nodes = [], [root]
    for node in nodes:
        spend(budget, 1)
        if node is None:
            values.append(None)
        else:
            values.append(node.val)
            nodes.append(node.left)
            nodes.append(node.right)
    while values and values[-1] is None:
        values.pop()
    return values
