"""A check at start that an object has every method of the protocol that it is given for.

Own implementations of a protocol (an embedder, a checker, an index, a language model) need not
inherit from anything, so Python would notice a missing method only at its first call: in the middle
of an answer. The constructors that accept such objects call ``require_protocol`` instead.
"""

from __future__ import annotations

import inspect
from typing import Literal

_Kind = Literal["method", "property"]


def require_protocol(value: object, protocol: type) -> None:
    """Raise an error that names the methods and properties of a protocol that an object lacks.

    Nothing is called and no property is read, since that may load a model. Parameters and types are
    not compared; a type checker does that.

    Args:
        value: The object that is to implement the protocol.
        protocol: A subclass of ``typing.Protocol``.

    Raises:
        TypeError: The object lacks a member, or is a class instead of an instance of it.
    """
    role = f"{protocol.__module__}.{protocol.__qualname__}"
    if isinstance(value, type):
        raise TypeError(f"{value.__qualname__} is a class: pass an instance of it as {role}")
    members = _members(protocol)
    missing = [f"{kind} {name!r}" for name, kind in members.items() if not _has(value, name, kind)]
    if missing:
        raise TypeError(
            f"{type(value).__qualname__} cannot be used as {role}: it lacks the"
            f" {', the '.join(missing)}; define what is missing as {protocol.__qualname__} does"
        )


def _members(protocol: type) -> dict[str, _Kind]:
    """Return what a protocol requires, by name, with what it inherits from other protocols."""
    members: dict[str, _Kind] = {}
    for base in protocol.__mro__:
        if getattr(base, "_is_protocol", False):  # not object, nor Generic
            for name, member in vars(base).items():
                if name.startswith("_") and name != "__len__":  # Python adds several to a protocol
                    continue
                if isinstance(member, property):
                    members[name] = "property"
                elif inspect.isfunction(member):
                    members[name] = "method"
    return members


def _has(value: object, name: str, kind: _Kind) -> bool:
    if inspect.getattr_static(value, name, None) is not None:
        return True
    if not hasattr(type(value), "__getattr__"):
        return False
    # A wrapper may pass on what it does not define; whether it has a property is not tried.
    return kind == "property" or hasattr(value, name)
