"""The timeline's vocabulary: one frozen dataclass per kind, declared by the app that owns the fact.

The docstring is the kind's documentation. Fields are its payload: ids and plain values, no personal data.
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

KINDS: dict[str, type[Kind]] = {}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kind:
    """Base of all kinds."""

    name: ClassVar[str]
    icon: ClassVar[str]
    # Read by people in the timeline and on the Activity page; `{field}` names a payload field.
    sentence: ClassVar[str]

    def payload(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def kind(cls: type[Kind]) -> type[Kind]:
    """Register a kind. Raises ValueError for a name that is taken or a kind without documentation."""
    if cls.name in KINDS and KINDS[cls.name].__qualname__ != cls.__qualname__:
        raise ValueError(f"timeline kind {cls.name} is declared twice")
    if not cls.__doc__ or not cls.icon or not cls.sentence:
        raise ValueError(f"timeline kind {cls.name} needs a docstring, an icon and a sentence")
    KINDS[cls.name] = cls
    return cls


def sentence(name: str, data: dict[str, Any]) -> str:
    """What happened, in words."""
    declared = KINDS.get(name)
    if declared is None:
        return name
    fields = {field.name: data.get(field.name, "") for field in dataclasses.fields(declared)}
    return declared.sentence.format(**fields)
