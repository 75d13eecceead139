"""Other string hashes in every cell: what the launcher needs to know of the interpreter for it.

The work itself is done on the interpreter's memory; see `sys/hashes.rs`.
"""

import functools
import gc
import sys

# The version whose memory is known; with others hashes stay, and runs that can see them are no forks.
_VERSION = (3, 11)


def types():
    """Subclasses of str, bytes, dict and of the two kinds of sets, each with the class itself, and all types.
    Nothing for another version."""
    if sys.version_info[:2] != _VERSION or sys.implementation.name != "cpython":
        return ()
    # What it keeps has hashes beside it.
    cached = type(functools.lru_cache(len))
    for thing in gc.get_objects():
        if type(thing) is cached:
            thing.cache_clear()
    every = {}
    new = [object]
    while new:
        found = new.pop()
        if found not in every:
            every[found] = None
            new.extend(type.__subclasses__(found))
    every = tuple(every)
    kinds = (str, bytes, dict, (set, frozenset))
    return (*(tuple(found for found in every if issubclass(found, kind)) for kind in kinds), every)


def is_sound():
    """In a process whose hashes are new: whether every key of everything that can be reached is found, by itself and by a
    copy. Where one is not, whose hash is meant to stay the same, memory was not understood."""
    gc.unfreeze()
    seen = {}
    new = gc.get_objects()
    while new:
        thing = new.pop()
        if id(thing) not in seen:
            seen[id(thing)] = thing
            new.extend(gc.get_referents(thing))
    return all(
        key in found and copy_of(key) in found
        for found in list(seen.values())
        if isinstance(found, (dict, set, frozenset)) and found is not seen
        for key in tuple(found)
    )


def copy_of(key):
    if type(key) is str:
        return (key + " ")[:-1]
    if type(key) is bytes:
        return (key + b" ")[:-1]
    if type(key) is tuple:
        return tuple(map(copy_of, key))
    return key
