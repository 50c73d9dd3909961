"""The page's charts: figures for Plotly, and the same as a table, a file and a sentence. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import zip_longest
from typing import Any

from retention.dashboard.queries import Curve, Month
from retention.lib import charts, formats
from retention.lib.charts import Series
from retention.lib.spreadsheets import Cell
from retention.metrics import months
from retention.metrics.queries import RatePoint


@dataclass(frozen=True)
class Table:
    head: Sequence[str]
    lines: Sequence[Sequence[Cell]]
    # Where the head of a column or of a line leads: the people behind it. "" leads nowhere.
    head_links: Sequence[str] = ()
    line_links: Sequence[str] = ()

    @property
    def heads(self) -> list[tuple[str, str]]:
        return list(zip_longest(self.head, self.head_links, fillvalue=""))

    @property
    def rows(self) -> list[tuple[Sequence[Cell], str]]:
        return list(zip(self.lines, self.line_links or [""] * len(self.lines), strict=True))


BY_MONTH = " by month"


@dataclass(frozen=True)
class Chart:
    name: str
    title: str
    # What the picture says, for those who do not see it; or why there is none.
    alt: str
    footer: str
    figure: charts.Figure
    # The same in figures for people, and for a file in plain numbers: made when somebody asks for them.
    make_table: Callable[[], Table]
    make_file: Callable[[], Table]
    drawn: bool = True
    csv: str = ""
    # Where the table view is.
    plain: str = ""

    @property
    def table(self) -> Table:
        return self.make_table() if self.drawn else Table((), ())

    @property
    def file(self) -> Table:
        return self.make_file()

    @property
    def heading(self) -> str:
        """The title as far as it has room; the axis says that it is by month."""
        return self.title.removesuffix(BY_MONTH)

    @property
    def figure_id(self) -> str:
        return f"figure-{self.name}"


def repeat_curves(found: Sequence[Curve], locale: str, link: Callable[[Curve], str]) -> Chart:
    named = [(curve_name(curve, locale), curve) for curve in found]
    series = [
        Series(
            name=name,
            x=[p.time for p in curve.points],
            y=_percents(p.value for p in curve.points),
            low=_percents(p.low for p in curve.points),
            high=_percents(p.high for p in curve.points),
        )
        for name, curve in named
    ]
    layout = _rate_layout()
    days = [0, 90, 180, 270, 360]
    layout["xaxis"] |= {"tickvals": days, "ticktext": [f"{day} d" for day in days], "range": [0, 376]}
    return Chart(
        name="curves",
        title="Second order within…",
        alt=_curves_in_words(named, locale),
        footer="All customers count, each for as long as they have been one, so young cohorts compare fairly."
        " The shaded bands show how sure a line is.",
        figure=charts.lines(series, layout, hover="%{y:.1f} %"),
        make_table=lambda: _curve_table(named, locale, link),
        make_file=lambda: Table(
            ("cohort", "days", "value", "low", "high", "at_risk"),
            [[name, p.time, p.value, p.low, p.high, p.at_risk] for name, c in named for p in c.points],
        ),
        drawn=bool(named),
    )


def curve_name(curve: Curve, locale: str) -> str:
    if not curve.name[:4].isdigit():
        return curve.name
    year, month = (int(part) for part in curve.name.split("-"))
    return formats.month(months.first_day(year * 12 + month - 1), locale)


def _curves_in_words(named: list[tuple[str, Curve]], locale: str) -> str:
    if not named:
        return "Nobody has had the time to buy a second time yet."
    last = [(name, curve.points[-1]) for name, curve in named]
    ends = (
        f"{name} {formats.percent(end.value, locale)} within {formats.days(end.time, locale)}"
        for name, end in last
    )
    return f"Share of customers who bought a second time: {'; '.join(ends)}."


def _curve_table(named: list[tuple[str, Curve]], locale: str, link: Callable[[Curve], str]) -> Table:
    by_day = [{p.time: p for p in curve.points} for _, curve in named]
    asked = [day for day in (30, 60, 90, 180, 270, 360) if any(day in points for points in by_day)]
    lines = [
        [formats.days(day, locale), *(_with_interval(points.get(day), locale) for points in by_day)]
        for day in asked
    ]
    return Table(
        [
            "Within",
            *(f"{name} ({formats.counted(c.customers, 'customer', locale=locale)})" for name, c in named),
        ],
        lines,
        head_links=["", *(link(c) for _, c in named)],
    )


def _with_interval(point: Any, locale: str) -> str:
    if point is None:
        return formats.NOTHING
    low, high = (formats.number(v * 100, locale, digits=1) for v in (point.low, point.high))
    return f"{formats.percent(point.value, locale)} ({low}–{high})"


def rate_trend(
    points: Sequence[RatePoint],
    marks: dict[str, float],
    locale: str,
    link: Callable[[date], str],
    *,
    lacking: str = "",
) -> Chart:
    """The repeat purchase rate as it went; `marks` are levels to compare it with, by their names."""
    days = [point.day.isoformat() for point in points]
    rates = [point.rate for point in points]
    series = Series(
        "Repeat purchase rate",
        days,
        _percents(r.value for r in rates),
        _percents(r.low for r in rates),
        _percents(r.high for r in rates),
    )
    layout = _rate_layout()
    _months_below(layout, hover="%b %-d, %Y")
    layout["xaxis"]["nticks"] = 6
    layout |= _marked(marks)
    return Chart(
        name="repeat-rate",
        title="Repeat rate over time",
        alt=_rate_in_words(points, locale) if len(points) > 1 else lacking,
        footer="Customers who bought in the days before each point. The shaded band shows how sure it is.",
        figure=charts.lines([series], layout, hover="%{y:.1f} %"),
        make_table=lambda: Table(
            ("Day", "Rate", "Likely between", "Buyers"),
            [_rate_line(point, locale) for point in points][::-1],
            line_links=[link(point.day) for point in points][::-1],
        ),
        drawn=len(points) > 1,
        make_file=lambda: Table(
            ("day", "value", "low", "high", "repeat", "buyers"),
            [[p.day, p.rate.value, p.rate.low, p.rate.high, p.rate.successes, p.rate.n] for p in points],
        ),
    )


def _rate_line(point: RatePoint, locale: str) -> list[Cell]:
    rate = point.rate
    return [
        formats.day(point.day, locale),
        formats.percent(rate.value, locale),
        f"{formats.percent(rate.low, locale)} – {formats.percent(rate.high, locale)}",
        formats.number(rate.n, locale),
    ]


def _rate_in_words(points: Sequence[RatePoint], locale: str) -> str:
    first, last = points[0], points[-1]
    return (
        f"Repeat purchase rate, from {formats.percent(first.rate.value, locale)} on"
        f" {formats.day(first.day, locale)} to {formats.percent(last.rate.value, locale)} on"
        f" {formats.day(last.day, locale)}."
    )


def _marked(marks: dict[str, float]) -> dict[str, Any]:
    """Dotted levels with their names at the left end."""
    lines = [
        {
            **{"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 100 * level, "y1": 100 * level},
            "line": {"color": "var(--ink-3)", "width": 1, "dash": "dot"},
        }
        for level in marks.values()
    ]
    names = [
        {
            **{"xref": "paper", "x": 0, "xanchor": "left", "y": 100 * level, "yanchor": "bottom"},
            **{"text": name, "showarrow": False, "font": {"color": "var(--ink-2)", "size": 11}},
        }
        for name, level in marks.items()
    ]
    return {"shapes": lines, "annotations": names}


@dataclass(frozen=True)
class Measure:
    """One line of the trend."""

    name: str
    title: str
    column: str
    footer: str = ""
    money: bool = False


PURCHASES = Measure("purchases", "Purchases by month", "purchases")
NET = Measure(
    "net-revenue",
    "Net revenue by month",
    "net_revenue",
    money=True,
    footer="After discounts and refunds, without tax and shipping.",
)
NEW = Measure("new-customers", "New customers by month", "new_customers")
MEASURES = {measure.name: measure for measure in (PURCHASES, NET, NEW)}


def by_month(
    measure: Measure,
    found: Sequence[Month],
    currency: str,
    locale: str,
    link: Callable[[date], str],
    *,
    whom: str = "",
) -> Chart:
    """A bar per month; the one that is not over is pale. `whom` says who is counted."""
    values = [_value(measure, month, currency) for month in found]
    shown = [
        formats.money(_minor(measure, month), currency, locale, whole=True)
        if measure.money
        else formats.number(value, locale)
        for month, value in zip(found, values, strict=True)
    ]
    names = [formats.month(months.first_day(m.point.month), locale) for m in found]
    return Chart(
        name=measure.name,
        title=measure.title,
        alt=_trend_in_words(measure, names, shown),
        footer=" ".join(part for part in (whom, measure.footer, _unfinished(found)) if part),
        figure=_trend_figure(measure, found, values, shown, link),
        make_table=lambda: Table(
            ("Month", measure.title.removesuffix(BY_MONTH)),
            [
                [name + (", not over" if m.point.open else ""), text]
                for m, name, text in zip(found, names, shown, strict=True)
            ][::-1],
            line_links=[link(months.first_day(m.point.month)) for m in found][::-1],
        ),
        drawn=bool(found),
        make_file=lambda: Table(
            ("month", measure.column, "month_over"),
            [[m.point.name, v, "no" if m.point.open else "yes"] for m, v in zip(found, values, strict=True)],
        ),
    )


def _trend_figure(
    measure: Measure,
    found: Sequence[Month],
    values: list[float],
    shown: list[str],
    link: Callable[[date], str],
) -> charts.Figure:
    firsts = [months.first_day(m.point.month) for m in found]
    days = [first.isoformat() for first in firsts]
    layout = charts.perennial(y_format="~s" if max(values, default=0) >= 1000 else ",.0f")
    _months_below(layout, hover="%b %Y")
    if max(values, default=0) < 5 and not measure.money:
        layout["yaxis"]["dtick"] = 1
    if found:
        layout["xaxis"] |= _at_least_a_year(found)
    figure = charts.bars(Series(measure.title, days, values), layout)
    trace = figure["data"][0]
    trace |= {"text": shown, "width": BAR, "textposition": "none", "hovertemplate": "%{text}<extra></extra>"}
    # Where a click on the bar leads: to the people behind it.
    trace["customdata"] = [link(first) for first in firsts]
    trace["marker"]["opacity"] = [0.45 if m.point.open else 1 for m in found]
    return figure


# Three weeks of the month that it stands for, in milliseconds.
BAR = 21 * 86_400_000


def _at_least_a_year(found: Sequence[Month]) -> charts.Figure:
    """The axis of few months keeps its bars narrow and its ticks on months."""
    first, last = found[0].point.month, found[-1].point.month
    start = months.first_day(min(first, last - 11)) - timedelta(days=16)
    end = months.first_day(last) + timedelta(days=16)
    return {"range": [start.isoformat(), end.isoformat()], "dtick": "M6" if last - first > 12 else "M3"}


def _months_below(layout: charts.Figure, *, hover: str) -> None:
    """Months over years, straight: on one line they would be slanted where a card is narrow."""
    layout["margin"] |= {"t": 12, "b": 44}
    layout["xaxis"] |= {"tickformat": "%b\n%Y", "hoverformat": hover, "tickangle": 0}


def _rate_layout() -> charts.Figure:
    layout = charts.perennial(y_format=".0f")
    layout["yaxis"]["ticksuffix"] = " % "
    return layout


def _percents(shares: Iterable[float | None]) -> list[float | None]:
    return [None if share is None else round(100 * share, 3) for share in shares]


def _minor(measure: Measure, month: Month) -> int:
    return month.point.net_revenue + month.guest_net if measure.money else 0


def _value(measure: Measure, month: Month, currency: str) -> float:
    if measure.money:
        return round(formats.major(_minor(measure, month), currency), 4)
    return float(getattr(month.point, measure.column))


def _trend_in_words(measure: Measure, names: list[str], shown: list[str]) -> str:
    if not names:
        return "No months to show yet."
    if len(names) == 1:
        return f"{measure.title}: {shown[0]} in {names[0]}."
    return f"{measure.title}, from {shown[0]} in {names[0]} to {shown[-1]} in {names[-1]}."


def _unfinished(found: Sequence[Month]) -> str:
    return "The pale month is not over." if found and found[-1].point.open else ""
