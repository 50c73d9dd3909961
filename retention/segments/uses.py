"""Who uses a segment: apps above declare where they look, so that nothing in use is archived unnoticed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from retention.segments.members import depends_on
from retention.segments.models import Segment


@dataclass(frozen=True)
class Use:
    """`what` is the kind of thing ("Segment", "Flow"), `name` its name."""

    what: str
    name: str


LOOKED_UP: list[Callable[[Segment], Iterable[Use]]] = []


def declare_use(look: Callable[[Segment], Iterable[Use]]) -> None:
    """Declare (in `vocabulary.py`) how to find what uses a segment."""
    if look not in LOOKED_UP:
        LOOKED_UP.append(look)


def uses_of(segment: Segment) -> list[Use]:
    return [use for look in LOOKED_UP for use in look(segment)]


def _other_segments(segment: Segment) -> Iterable[Use]:
    for other in Segment.objects.filter(store=segment.store_id).live():
        if segment.pk in depends_on(other.tree):
            yield Use("Segment", other.name)


declare_use(_other_segments)
