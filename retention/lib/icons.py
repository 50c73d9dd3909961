"""Lucide icons, drawn into the page: no request, and they take the color of the text."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from django.conf import settings
from django.utils.safestring import SafeString, mark_safe

FOLDER = Path(settings.BASE_DIR) / "static" / "icons"


@cache
def icon(name: str) -> SafeString:
    """The icon as SVG, hidden from screen readers. Raises ValueError for an icon that we do not have."""
    path = FOLDER / f"{name}.svg"
    if not re.fullmatch(r"[a-z0-9-]+", name) or not path.exists():
        raise ValueError(f"there is no icon {name!r} in {FOLDER}")
    shapes = re.sub(r"\s+", " ", path.read_text().partition("<svg")[2].partition(">")[2]).replace(
        "</svg>", ""
    )
    return mark_safe(f'<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">{shapes.strip()}</svg>')
