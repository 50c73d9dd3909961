"""Logos: raster pictures only, told by their first bytes, because an SVG can carry a script."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.files.base import File

LARGEST = 1_000_000
SIGNS = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}


def kind_of(head: bytes) -> str:
    """The MIME type, or an empty string for anything that is not a safe picture."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for sign, kind in SIGNS.items() if head.startswith(sign)), "")


def validate_picture(file: File[bytes]) -> None:
    if file.size > LARGEST:
        raise ValidationError("The picture is larger than 1 MB. Save it smaller and try again.")
    file.seek(0)
    if not kind_of(file.read(16)):
        raise ValidationError("Use a PNG, JPEG, WebP or GIF picture.")
    file.seek(0)
