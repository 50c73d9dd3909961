"""The merchant's front page: what was chosen, the figures, and everything that a figure opens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from retention.dashboard import (
    actions,
    arrival,
    charts,
    filters,
    front,
    groups,
    heatmap,
    numbers,
    people,
    queries,
)
from retention.lib import formats
from retention.lib.htmx import csv_file, invalid, nothing, page, saved, wants_part
from retention.metrics.queries import Cohort
from retention.stores.doors import StoreRequest, member
from retention.stores.models import Role, Store


@require_safe
@member()
def home(request: StoreRequest, store: Store) -> HttpResponse:
    if not queries.has_figures(store):
        return _before_figures(request, store)
    look = front.Look(store, filters.parse(request.GET))
    found = queries.front(store, look.filters)
    written = front.written(look, found, may_set=_owns(request))
    return page(request, "dashboard/home.html", {"page": written | {"arriving": arrival.arriving(store)}})


def _before_figures(request: StoreRequest, store: Store) -> HttpResponse:
    """Asked again every few seconds: the answer is empty as long as there is nothing new to say."""
    state = arrival.state_of(store)
    if wants_part(request) and request.headers.get("X-Seen") == state.seen:
        return nothing()
    told = {"empty": True, "state": state, "may_import": _may_import(request)}
    return page(request, "dashboard/home.html", {"page": told})


def _owns(request: StoreRequest) -> bool:
    return request.membership is None or request.membership.role == Role.OWNER


def _may_import(request: StoreRequest) -> bool:
    return request.membership is None or request.membership.role != Role.ANALYST


@require_POST
@member(Role.OWNER)
def target(request: StoreRequest, store: Store) -> HttpResponse:
    """Set the target from the form, or back to what it was by the undo of a toast."""
    typed = request.POST.get("target_rpr", request.GET.get("back", ""))
    before = store.target_rpr
    try:
        wanted = _percent(typed)
    except ValueError as error:
        return _wrong_target(request, store, typed, str(error))
    actions.set_target(store, wanted, by=request.user)
    look = front.Look(store, filters.parse(request.GET))
    back = {**look.filters.parameters(), "back": "" if before is None else before}
    return saved(
        request,
        "dashboard/target_saved.html",
        {"page": _target(look)},
        to=_home(look),
        toast=_target_words(store),
        undo=f"{request.path}?{urlencode(back, doseq=True)}",
    )


def _target_words(store: Store) -> str:
    if store.target_rpr is None:
        return "Target removed."
    return f"Target set to {formats.percent(float(store.target_rpr) / 100, store.locale)}."


def _wrong_target(request: StoreRequest, store: Store, typed: str, error: str) -> HttpResponse:
    look = front.Look(store, filters.parse(request.GET))
    regions = _target(look, typed=typed, error=error)
    if wants_part(request):
        return invalid(request, "dashboard/target_saved.html", {"page": regions})
    written = front.written(look, queries.front(store, look.filters), may_set=True)
    return invalid(request, "dashboard/home.html", {"page": written | regions})


def _target(look: front.Look, *, typed: str | None = None, error: str = "") -> dict[str, Any]:
    year, rate = queries.target_figures(look.store, look.filters)
    return {
        "aim": front.aim(look, year, may_set=True, typed=typed, error=error),
        "rate_card": front.rate_card(look, rate),
    }


def _home(look: front.Look) -> str:
    url = reverse("dashboard:home", args=[look.store.slug])
    return f"{url}?{look.filters.query}" if look.filters.query else url


def _percent(typed: str) -> Decimal | None:
    text = typed.strip().removesuffix("%").strip().replace(",", ".")
    if not text:
        return None
    try:
        found = Decimal(text)
    except InvalidOperation:
        raise ValueError("Type a number of percent, such as 33 or 33.5.") from None
    if not found.is_finite() or not 0 < found < 100:
        raise ValueError("A rate lies between 0 and 100 percent.")
    return found.quantize(Decimal("0.01"))


@require_safe
@member()
def number(request: StoreRequest, store: Store, name: str) -> HttpResponse:
    """The drawer of a number; the same as a page of its own without JavaScript."""
    look, question = _question(request, store)
    answer = _answer(name, question)
    found, key = people.listed(answer.crowd, after=request.GET.get("after", ""))
    context = {
        "number": answer,
        "back": _home(look),
        "people": _people(request, look, name, found, key),
        "groups": _groups(request, question, answer),
        "new_segment": groups.new_segment_link(name, question, answer) if _may_segment(request) else "",
    }
    return page(request, "dashboard/number.html", context)


def _may_segment(request: StoreRequest) -> bool:
    return request.membership is None or request.membership.role in (Role.OWNER, Role.MARKETER)


def _question(request: StoreRequest, store: Store) -> tuple[front.Look, numbers.Question]:
    look = front.Look(store, filters.parse(request.GET))
    return look, numbers.ask(store, look.filters, queries.when(store, look.filters), request.GET)


def _answer(name: str, question: numbers.Question) -> numbers.Answer:
    if name not in numbers.NUMBERS:
        raise Http404
    return numbers.answer(name, question, queries.freshness())


def _people(
    request: HttpRequest, look: front.Look, name: str, found: Sequence[people.Person], key: str
) -> dict[str, Any]:
    file = reverse("dashboard:customers_csv", args=[look.store.slug, name])
    return {
        "rows": numbers.written_people(look.store, found),
        "size": people.PAGE,
        "more": _changed(request, after=key) if key else "",
        "first": _changed(request, after="") if request.GET.get("after") else "",
        "csv": file + _changed(request, after="").removeprefix(request.path),
    }


def _groups(request: HttpRequest, question: numbers.Question, answer: numbers.Answer) -> list[front.Option]:
    if answer.groups is None:
        return []
    some, everybody = answer.groups
    return [
        front.Option(some, _changed(request, who="", after=""), not question.everybody),
        front.Option(everybody, _changed(request, who="all", after=""), question.everybody),
    ]


def _changed(request: HttpRequest, **changes: str) -> str:
    """This address with something changed; "" takes a parameter away."""
    query = request.GET.copy()
    for name, value in changes.items():
        query.pop(name, None)
        if value:
            query[name] = value
    return f"{request.path}?{query.urlencode()}" if query else request.path


@require_safe
@member()
def customers_csv(request: StoreRequest, store: Store, name: str) -> StreamingHttpResponse:
    _, question = _question(request, store)
    lines = numbers.people_lines(store, people.every(_answer(name, question).crowd))
    return csv_file(f"{store.slug}-{name}-customers", numbers.PEOPLE_HEAD, lines)


@require_safe
@member()
def chart(request: StoreRequest, store: Store, name: str) -> HttpResponse:
    """The table view of a chart."""
    drawn = _drawn(request, store, name)
    return page(request, "dashboard/chart.html", {"chart": drawn, "back": _home(drawn.look)})


@require_safe
@member()
def chart_csv(request: StoreRequest, store: Store, name: str) -> StreamingHttpResponse:
    file = _drawn(request, store, name).file
    return csv_file(f"{store.slug}-{name}", file.head, file.lines)


@require_safe
@member()
def chart_json(request: StoreRequest, store: Store, name: str) -> JsonResponse:
    """The chart's figure and its numbers, one object per line."""
    drawn = _drawn(request, store, name)
    rows = [dict(zip(drawn.file.head, line, strict=True)) for line in drawn.file.lines]
    return JsonResponse({"name": name, "store": store.slug, "rows": rows, "figure": drawn.figure})


@dataclass(frozen=True)
class Drawn:
    """One chart alone: as a table, a file and a figure."""

    look: front.Look
    title: str
    footer: str
    table: charts.Table
    file: charts.Table
    figure: dict[str, Any]
    csv: str


def _drawn(request: StoreRequest, store: Store, name: str) -> Drawn:
    look = front.Look(store, filters.parse(request.GET))
    as_of = queries.when(store, look.filters).as_of
    if name == "cohorts":
        return _drawn_cohorts(look, queries.cohorts(store, look.filters, as_of))
    if name == "curves":
        cohorts = queries.cohorts(store, look.filters, as_of)
        made = front.curve_chart(look, queries.curves(store, look.filters, as_of, cohorts))
    elif name == "repeat-rate":
        made = front.rate_chart(look, queries.rate_points(store, look.filters, as_of))
    elif name in charts.MEASURES:
        made = front.trend_chart(look, queries.trend(store, look.filters, as_of), charts.MEASURES[name])
    else:
        raise Http404
    return Drawn(look, made.title, made.footer, made.table, made.file, made.figure, made.csv)


def _drawn_cohorts(look: front.Look, cohorts: list[Cohort]) -> Drawn:
    tab, heat = look.filters.tab, front.heat(look, cohorts)
    return Drawn(
        look,
        heat.title,
        f"{heat.footer}. A star: the month is not over.",
        heatmap.table(cohorts, tab, front.heat_style(look)),
        charts.Table(heatmap.HEAD, heatmap.lines(cohorts, look.store.currency)),
        heat.figure,
        heat.csv,
    )
