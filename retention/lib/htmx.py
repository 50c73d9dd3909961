"""The five answers of a page, and no others.

1. `page`: a GET; htmx asking for a region gets `template#region`, the same part of the same template.
2. `saved`: a POST went well; htmx gets the outcome template, a browser without it a redirect.
3. `invalid`: a POST did not; 422 and the form.
4. `nothing`: 204, with an event for the page. 5. `moved`: another page altogether.

Beside them, what is no page: `csv_file`, a download.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.template import TemplateDoesNotExist
from django.utils.cache import patch_vary_headers

from retention.lib.spreadsheets import Cell, csv_lines

Context = dict[str, Any]
# Of a download, in one piece.
LINES = 200


def wants_part(request: HttpRequest) -> bool:
    """Asked by htmx for a part, not for a page."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") != "true"


def page(request: HttpRequest, template: str, context: Context | None = None) -> HttpResponse:
    response = _render(request, template, context, status=200)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


def invalid(request: HttpRequest, template: str, context: Context | None = None) -> HttpResponse:
    return _render(request, template, context, status=422)


def saved(
    request: HttpRequest,
    template: str,
    context: Context | None = None,
    *,
    to: str,
    toast: str = "",
    undo: str = "",
) -> HttpResponse:
    if not wants_part(request):
        return redirect(to)
    response = render(request, template, context)
    return _told(response, toast, undo)


def nothing(toast: str = "", *, undo: str = "") -> HttpResponse:
    return _told(HttpResponse(status=204), toast, undo)


def moved(request: HttpRequest, to: str) -> HttpResponse:
    return HttpResponse(status=204, headers={"HX-Redirect": to}) if wants_part(request) else redirect(to)


def _render(request: HttpRequest, template: str, context: Context | None, *, status: int) -> HttpResponse:
    target = request.headers.get("HX-Target", "")
    if wants_part(request) and re.fullmatch(r"[A-Za-z][\w-]*", target):
        try:
            return render(request, f"{template}#{target}", context, status=status)
        except TemplateDoesNotExist:
            pass  # the page has no such part: the whole of it
    return render(request, template, context, status=status)


def _told(response: HttpResponse, toast: str, undo: str) -> HttpResponse:
    if toast:
        response["HX-Trigger"] = json.dumps({"toast": {"text": toast, "undo": undo}})
    return response


def shows_progress(request: HttpRequest) -> bool:
    """Asked by exports.js, which wants to know in X-Rows how many rows a file will have. Counting them takes
    a moment that a plain download need not wait for."""
    return request.headers.get("X-Progress") == "1"


def csv_file(name: str, head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> StreamingHttpResponse:
    """A download of any length, written while the rows are read."""
    return csv_text(name, csv_lines(head, rows))


def csv_text(name: str, lines: Iterator[str]) -> StreamingHttpResponse:
    """The same of lines that are written already."""
    response = StreamingHttpResponse(_packed(lines), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def _packed(lines: Iterator[str]) -> Iterator[str]:
    """Many lines at a time: the server takes as long for a piece of one line as for a long one."""
    while pack := "".join(islice(lines, LINES)):
        yield pack
