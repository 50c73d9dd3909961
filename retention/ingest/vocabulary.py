"""What the timeline can say about imports."""

from __future__ import annotations

from dataclasses import dataclass

from retention.timeline.kinds import Kind, kind


@kind
@dataclass(frozen=True, kw_only=True)
class ImportStarted(Kind):
    """Somebody had a file imported; what came of it is on the import's page."""

    name = "import.started"
    icon = "file-up"
    sentence = "Started import {run} ({format})"
    run: int
    format: str
