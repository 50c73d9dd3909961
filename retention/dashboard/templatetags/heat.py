"""The cells of the cohort table."""

from __future__ import annotations

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from retention.dashboard.heatmap import Row, Square

register = template.Library()


@register.simple_tag
def heat_cells(row: Row) -> SafeString:
    """Written here, because a template takes longer over them than over the rest of the page."""
    return mark_safe("".join(_cell(cell) if cell else "<td></td>" for cell in row.cells))


def _cell(cell: Square) -> str:
    link = escape(cell.link)
    return (
        f'<td class="{cell.look}" style="--v:{cell.strength}"><a href="{link}" hx-get="{link}"'
        f' hx-target="#drawer" aria-label="{escape(cell.words)}">{escape(cell.text)}</a></td>'
    )
