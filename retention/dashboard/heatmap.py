"""The cohort matrix as a table of colored cells, and as lines for the table view and the file. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from retention.dashboard.charts import Table
from retention.dashboard.filters import TABS
from retention.lib import formats
from retention.lib.spreadsheets import Cell
from retention.metrics import months as calendar
from retention.metrics.queries import Cohort

# The page shows so much, its table view more; the file has everything.
MOST_ROWS = 18
MOST_MONTHS = 13
MOST_IN_TABLE = 36
YEAR = 12


@dataclass(frozen=True)
class Square:
    text: str
    words: str
    # base, open, mid, strong: classes of the heatmap.
    look: str
    strength: str
    link: str


@dataclass(frozen=True)
class Row:
    label: str
    customers: str
    cells: list[Square | None]
    link: str = ""


@dataclass(frozen=True)
class Style:
    """How the store writes figures, and where a cell leads."""

    currency: str
    locale: str
    link: Callable[[date, int | None], str]


def values(cohort: Cohort, tab: str) -> list[float]:
    """What the cells of a cohort show: a share, an amount, or an amount per customer so far."""
    if tab == "activity":
        return [cell.active / cohort.customers for cell in cohort.cells]
    if tab == "net":
        return [float(cell.net_revenue) for cell in cohort.cells]
    return [cell.cumulative / cohort.customers for cell in cohort.cells]


def rows(cohorts: Sequence[Cohort], tab: str, style: Style) -> list[Row]:
    """The latest cohorts, oldest first. The strongest color is the largest cell after month 0."""
    shown = cohorts[-MOST_ROWS:]
    width = months(shown)
    top = max((v for c in shown for v in values(c, tab)[_first(tab) :]), default=0.0)
    return [
        Row(
            label=_month(cohort, style),
            customers=formats.number(cohort.customers, style.locale),
            cells=_cells(cohort, tab, style, top, width),
            link=style.link(calendar.first_day(cohort.month), None),
        )
        for cohort in shown
    ]


def averages(cohorts: Sequence[Cohort], tab: str, style: Style) -> list[str]:
    """Of the months that are over, all customers weighing the same; "" where none is.

    Of all cohorts, not only of the rows that are shown: so month 12 of the lifetime value is the card's.
    """
    return [_average(cohorts, k, tab, style) for k in range(months(cohorts[-MOST_ROWS:]))]


def average_words(cohorts: Sequence[Cohort], tab: str, style: Style) -> str:
    """Whose average it is."""
    many = formats.counted(len(cohorts), "cohort", locale=style.locale)
    whose = f"Average of all {many}" if len(cohorts) > MOST_ROWS else "Average"
    said = f"{whose}: each month over those that have reached it."
    old = sum(c.customers for c in cohorts if len(c.cells) > YEAR and not c.cells[YEAR].open)
    if tab != "clv" or not old:
        return said
    customers = formats.counted(old, "customer", locale=style.locale)
    return f"{said} Month {YEAR} is the lifetime value on top, of {customers} whose {YEAR} months are over."


def _average(cohorts: Sequence[Cohort], k: int, tab: str, style: Style) -> str:
    over = [c for c in cohorts if len(c.cells) > k and not c.cells[k].open]
    if not over:
        return ""
    # Net revenue is a sum over a cohort, so its average is one over cohorts.
    weights = [1 if tab == "net" else c.customers for c in over]
    total = sum(values(c, tab)[k] * weight for c, weight in zip(over, weights, strict=True))
    return _short(total / sum(weights), tab, style)


def table(cohorts: Sequence[Cohort], tab: str, style: Style) -> Table:
    """The same as plain rows, latest first; a star says that the month is not over."""
    shown = cohorts[: -MOST_IN_TABLE - 1 : -1]
    width = min(max((len(c.cells) for c in shown), default=0), MOST_IN_TABLE)
    unit = "%" if tab == "activity" else style.currency
    return Table(
        head=["First order", "Buyers", *(f"Month {k}, {unit}" for k in range(width))],
        lines=[_line(c, tab, style, width) for c in shown],
        line_links=[style.link(calendar.first_day(c.month), None) for c in shown],
    )


def _line(cohort: Cohort, tab: str, style: Style, width: int) -> list[Cell]:
    cells = [
        _exact(value, tab, style) + ("*" if cell.open else "")
        for value, cell in zip(values(cohort, tab)[:width], cohort.cells, strict=False)
    ]
    size = formats.number(cohort.customers, style.locale)
    return [_month(cohort, style), size, *cells, *[""] * (width - len(cells))]


def _exact(value: float, tab: str, style: Style) -> str:
    if tab == "activity":
        return formats.number(value * 100, style.locale, digits=1)
    digits = formats.decimals(style.currency) if tab == "clv" else 0
    return formats.number(formats.major(value, style.currency), style.locale, digits=digits)


def months(cohorts: Sequence[Cohort]) -> int:
    """How many columns."""
    return min(max((len(c.cells) for c in cohorts), default=0), MOST_MONTHS)


def _first(tab: str) -> int:
    """Month 0 is by far the largest, except for what has added up so far."""
    return 0 if tab == "clv" else 1


def _cells(cohort: Cohort, tab: str, style: Style, top: float, width: int) -> list[Square | None]:
    cells: list[Square | None] = [
        _cell(cohort, k, value, tab, style, top) for k, value in enumerate(values(cohort, tab)[:width])
    ]
    return cells + [None] * (width - len(cells))


def _cell(cohort: Cohort, k: int, value: float, tab: str, style: Style, top: float) -> Square:
    is_open = cohort.cells[k].open
    strength, shade = _shade(0.0 if k < _first(tab) or top <= 0 else max(0.0, min(value / top, 1.0)))
    looks = ["base" if k < _first(tab) else "", "open" if is_open else shade]
    return Square(
        text=_short(value, tab, style),
        words=_words(cohort, k, value, tab, style) + (", month not over" if is_open else ""),
        look=" ".join(look for look in looks if look),
        strength=f"{strength:.2f}",
        link=style.link(calendar.first_day(cohort.month), k),
    )


def _shade(share: float) -> tuple[float, str]:
    """How dark a cell is, and which ink it takes: at 0.62 to 0.67 (dark theme) and 0.7 to 0.75 (light)
    neither black nor white reads at 4.5:1, so those greens are skipped."""
    if share <= 0.7:
        return share / 0.7 * 0.62, ""
    if share <= 0.78:
        return 0.67 + (share - 0.7) / 0.08 * 0.03, "mid"
    return 0.75 + (share - 0.78) / 0.22 * 0.15, "strong"


def _short(value: float, tab: str, style: Style) -> str:
    if tab == "activity":
        return formats.number(value * 100, style.locale)
    return _brief(formats.major(value, style.currency), style.locale)


def _brief(amount: float, locale: str) -> str:
    """In at most four digits, because 13 of them share a line: 950, 1.2k, 34k, 5.6M."""
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if abs(amount) >= 0.9995 * size:
            parts = amount / size
            return f"{formats.number(parts, locale, digits=1 if abs(parts) < 9.95 else 0)}{unit}"
    return formats.number(amount, locale)


def _words(cohort: Cohort, k: int, value: float, tab: str, style: Style) -> str:
    of = f"{_month(cohort, style)}, month {k}: "
    buyers = formats.counted(cohort.customers, "customer", locale=style.locale)
    if tab == "activity":
        return f"{of}{formats.percent(value, style.locale)} of {buyers}"
    amount = formats.money(value, style.currency, style.locale)
    return f"{of}{amount} net" if tab == "net" else f"{of}{amount} per customer so far, {buyers}"


FOOTERS = {
    "activity": "% of the cohort that bought in month 0, 1, 2… after the month of the first order",
    "net": "Net revenue of the cohort in each month after the first order, refunds on their own date",
    "clv": "Net revenue so far per customer of the cohort, through each month after the first order",
}


def title(tab: str) -> str:
    return f"Cohorts by month of first purchase, {TABS[tab]}"


HEAD = ("cohort", "customers", "month", "active", "purchases", "net_revenue", "cumulative", "month_over")


def lines(cohorts: Sequence[Cohort], currency: str) -> list[list[Cell]]:
    """Every cell on a line, for a file. Money in major units."""
    return [
        [
            *(c.name, c.customers, cell.k, cell.active, cell.purchases),
            *(round(formats.major(m, currency), 4) for m in (cell.net_revenue, cell.cumulative)),
            "no" if cell.open else "yes",
        ]
        for c in cohorts
        for cell in c.cells
    ]


def _month(cohort: Cohort, style: Style) -> str:
    return formats.month(calendar.first_day(cohort.month), style.locale)


def _starred(cohort: Cohort, tab: str, style: Style, width: int) -> list[str]:
    cells = zip(values(cohort, tab)[:width], cohort.cells, strict=False)
    texts = [_short(value, tab, style) + ("*" if cell.open else "") for value, cell in cells]
    return texts + [""] * (width - len(texts))


def figure(cohorts: Sequence[Cohort], tab: str, style: Style) -> dict[str, object]:
    """The same as a picture, for download only."""
    shown = cohorts[-MOST_ROWS:]
    width = months(shown)
    scale = 100 if tab == "activity" else formats.major(1, style.currency)
    grid = [[round(v * scale, 2) for v in values(c, tab)[:width]] for c in shown]
    trace = {
        "type": "heatmap",
        "x": [str(k) for k in range(width)],
        "y": [_month(c, style) for c in shown],
        "z": [row + [None] * (width - len(row)) for row in grid],
        "text": [_starred(c, tab, style, width) for c in shown],
        "texttemplate": "%{text}",
        "showscale": False,
        "colorscale": [[0, "var(--surface-2)"], [1, "var(--c1)"]],
        "zmax": max((v for row in grid for v in row[_first(tab) :]), default=1),
        "zmin": 0,
        "xgap": 2,
        "ygap": 2,
    }
    axis = {"type": "category", "showgrid": False, "ticks": ""}
    layout = {
        "xaxis": {**axis, "title": {"text": "months after the first order (*: not over)"}},
        "yaxis": {**axis, "autorange": "reversed"},
    }
    return {"data": [trace], "layout": layout}
