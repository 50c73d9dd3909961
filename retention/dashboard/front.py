"""The front page as it is written: figures in, words and links out. No queries of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import Any

from django.urls import reverse

from retention.dashboard import charts, heatmap, wordings
from retention.dashboard.cards import Bench, Card, Course, Wording, card, past_bench, rate_bench
from retention.dashboard.charts import Chart
from retention.dashboard.filters import DIMENSIONS, RANGE_WORDS, TABS, UNKNOWN, Filters
from retention.dashboard.queries import Curve, Freshness, Front, Month, When, curve_months
from retention.dashboard.targets import obstacle, step_to, worth
from retention.lib import formats
from retention.metrics import months
from retention.metrics.queries import Cohort, DimensionValue, Mean, Rate, RatePoint
from retention.stores.models import Store

# A menu with more is a wall; the rest can be typed into the address.
MOST_OPTIONS = 40
# How many months a curve can be chosen from.
MOST_COHORTS = 24


@dataclass(frozen=True)
class Look:
    """Whose page it is, and what was chosen."""

    store: Store
    filters: Filters
    # Known addresses: a page of cohorts has hundreds of links.
    addresses: dict[tuple[str, str], str] = field(default_factory=dict)

    def number_link(self, name: str, **more: object) -> str:
        """Where a number opens: its drawer, under the same filters."""
        url = self.address("number", name)
        parameters = "&".join(
            part for part in (self.filters.query, *(f"{k}={v}" for k, v in more.items())) if part
        )
        return f"{url}?{parameters}" if parameters else url

    def file_link(self, name: str, kind: str = "csv") -> str:
        url = self.address(f"chart_{kind}" if kind else "chart", name)
        return f"{url}?{self.filters.query}" if self.filters.query else url

    def address(self, view: str, name: str) -> str:
        if (view, name) not in self.addresses:
            self.addresses[view, name] = reverse(f"dashboard:{view}", args=[self.store.slug, name])
        return self.addresses[view, name]


@dataclass(frozen=True)
class Option:
    label: str
    link: str
    chosen: bool
    count: str = ""
    value: str = ""


@dataclass(frozen=True)
class Menu:
    name: str
    label: str
    chosen: str
    options: Sequence[Option]


def filter_bar(look: Look, found: Front) -> dict[str, Any]:
    filters = look.filters
    return {
        "range_words": RANGE_WORDS[filters.range] + _until(look, found.when),
        "ranges": [
            Option(words, filters.link(range=name), name == filters.range)
            for name, words in RANGE_WORDS.items()
        ],
        "as_of": found.when.as_of,
        "today": found.when.today,
        "as_of_keeps": _keeps(filters, "as_of"),
        "menus": [
            *(_menu(look, name, found.menus[name]) for name in DIMENSIONS),
            *([_segment_menu(look, found)] if found.segments or filters.segment else []),
        ],
        "narrowed": filters != replace(Filters(), tab=filters.tab, curves=filters.curves),
        "clear_link": Filters(tab=filters.tab, curves=filters.curves).link(),
    }


def _until(look: Look, when: When) -> str:
    if when.as_of == when.today:
        return ""
    return f" to {formats.day(when.as_of, look.store.locale)}"


def _keeps(filters: Filters, without: str) -> list[tuple[str, str]]:
    """The rest of the choice, for the hidden fields of a form."""
    return [(k, v) for k, values in filters.parameters().items() if k != without for v in values]


def _menu(look: Look, name: str, values: Sequence[DimensionValue]) -> Menu:
    chosen = getattr(look.filters, name)
    options = [Option("Any", look.filters.link(**{name: ""}), not chosen)]
    for one in values[:MOST_OPTIONS]:
        value = one.value or UNKNOWN
        options.append(
            Option(
                label=one.value or "Unknown",
                link=look.filters.link(**{name: value}),
                chosen=value == chosen,
                count=formats.number(one.customers, look.store.locale),
            )
        )
    return Menu(name, DIMENSIONS[name], "unknown" if chosen == UNKNOWN else chosen, options)


def _segment_menu(look: Look, found: Front) -> Menu:
    chosen = look.filters.segment
    names = {one.pk: one.name for one in found.segments}
    options = [Option("Everybody", look.filters.link(segment=0), not chosen)]
    for one in found.segments:
        size = formats.number(one.customers, look.store.locale)
        options.append(Option(one.name, look.filters.link(segment=one.pk), one.pk == chosen, size))
    return Menu("segment", "Segment", names.get(chosen, "one that is gone") if chosen else "", options)


def notices(look: Look, found: Front) -> dict[str, str]:
    return {
        "lag": _lag(look, found.freshness),
        "guests": _guests(look, found),
        "stale": _stale(look, found.when),
        "nobody": _nobody(look, found),
    }


def _lag(look: Look, fresh: Freshness) -> str:
    if not fresh.waiting:
        return ""
    waiting = formats.counted(fresh.waiting, "change", locale=look.store.locale)
    return f"{waiting} not counted yet: the figures catch up within seconds."


def _guests(look: Look, found: Front) -> str:
    guests, when = found.guests, _days_in_words(look, found.when)
    if not guests.orders:
        return ""
    orders = formats.counted(guests.orders, "order", locale=look.store.locale)
    net = formats.money(guests.net, look.store.currency, look.store.locale, whole=True)
    said = f"{when[0].upper()}{when[1:]}, {orders} ({net}) came without an e-mail address."
    if look.filters.narrowed:
        return f"{said} They are left out of everything here, also of net revenue: you chose customers."
    return f"{said} They count in net revenue by month, and in nothing else here: nobody knows who bought."


def _days_in_words(look: Look, when: When) -> str:
    until = "" if when.as_of == when.today else f" to {formats.day(when.as_of, look.store.locale)}"
    if look.filters.days is None:
        return f"since the first order{until and ', up'}{until}"
    return f"in the {look.filters.days} days{until}" if until else f"in the last {look.filters.days} days"


def _stale(look: Look, when: When) -> str:
    if not when.is_stale:
        return ""
    last = formats.day(when.as_of, look.store.locale)
    return f"The last order is from {last}, so everything here is true for that day instead of today."


def _nobody(look: Look, found: Front) -> str:
    if found.rate.now.n:
        return ""
    days, longer = f"bought {_days_in_words(look, found.when)}", "choose a longer time"
    if look.filters.days is None:
        days, longer = "has bought yet", "choose a later day"
    if look.filters.narrowed:
        return f"None of the customers you chose {days}. Clear a filter, or {longer}."
    return f"Nobody {days}. {longer.capitalize()}."


def kpi_cards(look: Look, found: Front) -> list[Card]:
    store = look.store
    return [
        rate_card(look, found.rate),
        _past_card(look, "lifetime-value", found.clv, wordings.lifetime_value(store)),
        _past_card(look, "order-value", found.aov, wordings.order_value(store)),
        _past_card(look, "time-between", found.gap, wordings.gap(store)),
    ]


LABELS = {
    "repeat-rate": "Repeat purchase rate",
    "lifetime-value": "Lifetime value, 12 months",
    "order-value": "Average order value",
    "time-between": "Time between purchases",
}


def rate_card(look: Look, course: Course) -> Card:
    store, value = look.store, course.now.value
    target = None if store.target_rpr is None else float(store.target_rpr) / 100
    bench = None
    if value is not None:
        bench = rate_bench(value, float(store.benchmark_rpr) / 100, target, store.locale)
    return _card(look, "repeat-rate", course, wordings.rate(store), bench)


def _past_card(look: Look, name: str, course: Course, words: Wording) -> Card:
    return _card(look, name, course, words, past_bench(course, words))


def _card(look: Look, name: str, course: Course, words: Wording, bench: Bench | None) -> Card:
    made = card(name, LABELS[name], course, words, bench)
    return replace(made, link=look.number_link(name))


def aim(
    look: Look, year: tuple[Rate, Mean], *, may_set: bool, typed: str | None = None, error: str = ""
) -> dict[str, Any]:
    """What a better rate would bring, and the owner's target for it."""
    store, filters = look.store, look.filters
    action = reverse("dashboard:target", args=[store.slug])
    target = (
        "" if store.target_rpr is None else formats.number(float(store.target_rpr), store.locale, digits=1)
    )
    return {
        "may_set": may_set,
        "action": f"{action}?{filters.query}" if filters.query else action,
        "value": target.removesuffix(".0").removesuffix(",0") if typed is None else typed,
        "error": error,
        "link": look.number_link("repeat-rate"),
        **_promise(look, year),
    }


def _promise(look: Look, year: tuple[Rate, Mean]) -> dict[str, Any]:
    store, (rate, order) = look.store, year
    now = rate.value or 0.0
    points = step_to(store.target_rpr, now)
    heading = "What more second orders are worth"
    gain = worth(
        buyers=rate.n,
        points=points,
        repeat=rate.successes,
        repeat_purchases=order.n - rate.n,
        net=round((order.value or 0) * order.n),
        purchases=order.n,
    )
    why = obstacle(gain, buyers=rate.n, repeat=rate.successes, points=points)
    if gain is None or why:
        return {"heading": heading, "promise": _no_promise(store, why, rate.n, float(points))}
    locale = store.locale
    number, decimal = partial(formats.number, locale=locale), partial(formats.number, locale=locale, digits=2)
    money = partial(formats.money, currency=store.currency, locale=locale)
    share = formats.percent(float(points), locale)
    return {
        "heading": heading,
        "worth": f"+{money(gain.revenue, whole=True)} a year",
        "promise": "if the repeat rate of the last 365 days rose"
        f" from {formats.percent(now, locale)} to {formats.percent(now + float(points), locale)}.",
        "steps": [
            f"{number(rate.n)} people bought in the last 365 days, {number(rate.successes)} of them"
            f" ({formats.percent(now, locale)}) more than once.",
            f"{share} of {number(rate.n)} are {number(gain.more_repeat_buyers)} people more.",
            f"Who bought more than once made {decimal(gain.extra_purchases)} further purchases"
            f" ({number(order.n - rate.n)} ÷ {number(rate.successes)}).",
            f"A purchase brought {money(gain.aov)} after discounts and refunds.",
            f"{number(gain.more_repeat_buyers)} × {decimal(gain.extra_purchases)} × {money(gain.aov)}"
            f" ≈ {money(gain.revenue, whole=True)} a year.",
        ],
    }


def _no_promise(store: Store, why: str, buyers: int, points: float) -> str:
    if why == "everybody twice":
        return "Everybody who bought in the last 365 days bought more than once: the rate cannot rise."
    if why == "too few":
        people = formats.counted(buyers, "buyer", locale=store.locale)
        return (
            f"Too few buyers yet: {formats.percent(points, store.locale)} of the last 365 days’ {people}"
            " is less than one person. With more of them, this shows what a higher repeat rate would bring."
        )
    if why == "no revenue":
        return "The orders of the last 365 days brought nothing after refunds, so there is nothing to go by."
    return "As soon as somebody has bought twice in a year, this shows what a higher repeat rate would bring."


@dataclass(frozen=True)
class Heat:
    """The cohort panel."""

    name: str
    title: str
    footer: str
    tabs: Sequence[Option]
    months: Sequence[int]
    rows: Sequence[heatmap.Row]
    averages: Sequence[str]
    average_words: str
    figure: dict[str, object]
    csv: str
    plain: str

    @property
    def low(self) -> bool:
        """Too few rows to stand beside the target and the rate over time."""
        return len(self.rows) < 10

    @property
    def few(self) -> bool:
        """Too few columns to fill the panel."""
        return len(self.months) < 9


def heat_style(look: Look) -> heatmap.Style:
    def link(month: date, k: int | None = None) -> str:
        where: dict[str, object] = {"month": f"{month:%Y-%m}"}
        return look.number_link("cohort", **(where if k is None else {**where, "k": k}))

    return heatmap.Style(look.store.currency, look.store.locale, link)


def heat(look: Look, cohorts: Sequence[Cohort]) -> Heat:
    filters, style = look.filters, heat_style(look)
    return Heat(
        name="cohorts",
        title=heatmap.title(filters.tab),
        footer=heatmap.FOOTERS[filters.tab],
        tabs=[
            Option(label, filters.link(tab=name), name == filters.tab, value=name)
            for name, label in TABS.items()
        ],
        months=range(heatmap.months(cohorts[-heatmap.MOST_ROWS :])),
        rows=heatmap.rows(cohorts, filters.tab, style),
        averages=heatmap.averages(cohorts, filters.tab, style),
        average_words=heatmap.average_words(cohorts, filters.tab, style),
        figure=heatmap.figure(cohorts, filters.tab, style),
        csv=look.file_link("cohorts"),
        plain=look.file_link("cohorts", ""),
    )


def curve_chart(look: Look, found: Sequence[Curve]) -> Chart:
    def link(curve: Curve) -> str:
        if curve.month is None:
            return look.number_link("second-order")
        return look.number_link("second-order", month=months.name(curve.month))

    return _filed(look, charts.repeat_curves(found, look.store.locale, link))


def curve_options(look: Look, found: Front) -> list[Option]:
    chosen = set(curve_months(look.filters, found.when.as_of, found.cohorts))
    return [
        Option(
            label=formats.month(months.first_day(cohort.month), look.store.locale),
            link="",
            chosen=cohort.month in chosen,
            count=formats.number(cohort.customers, look.store.locale),
            value=cohort.name,
        )
        for cohort in found.cohorts[: -MOST_COHORTS - 1 : -1]
    ]


def rate_chart(look: Look, points: Sequence[RatePoint]) -> Chart:
    store = look.store

    def link(day: date) -> str:
        return Look(store, replace(look.filters, as_of=day)).number_link("repeat-rate")

    marks = {"benchmark": float(store.benchmark_rpr) / 100}
    if store.target_rpr is not None:
        marks["target"] = float(store.target_rpr) / 100
    made = charts.rate_trend(points, marks, store.locale, link, lacking=_no_course(look))
    return _filed(look, made)


def _no_course(look: Look) -> str:
    if look.filters.days is None:
        return "Choose a number of days to see how the rate went."
    return f"Appears when your orders go back further than {look.filters.days} days."


def trend_chart(look: Look, found: Sequence[Month], measure: charts.Measure) -> Chart:
    def link(month: date) -> str:
        return look.number_link(measure.name, month=f"{month:%Y-%m}")

    store, whom = look.store, _whom(look, found, measure)
    return _filed(look, charts.by_month(measure, found, store.currency, store.locale, link, whom=whom))


def _whom(look: Look, found: Sequence[Month], measure: charts.Measure) -> str:
    """Whose orders the bars count: two charts of the same months may count different ones."""
    if measure == charts.NEW:
        return "People by the month of their first order."
    if look.filters.narrowed:
        return "Only orders of the customers you chose."
    guests = sum(month.guest_orders for month in found)
    if not guests:
        return "All orders."
    orders = formats.counted(guests, "order", locale=look.store.locale)
    if measure == charts.NET:
        return f"All orders, also {orders} without an e-mail address."
    return f"Only orders of known customers, without {orders} that had no e-mail address."


def _filed(look: Look, chart: Chart) -> Chart:
    return replace(chart, csv=look.file_link(chart.name), plain=look.file_link(chart.name, ""))


def written(look: Look, found: Front, *, may_set: bool) -> dict[str, Any]:
    """The whole page, as its template reads it."""
    return {
        **filter_bar(look, found),
        **notices(look, found),
        "cards": kpi_cards(look, found),
        "aim": aim(look, found.year, may_set=may_set),
        "cohorts": heat(look, found.cohorts),
        "curves": curve_chart(look, found.curves),
        "curve_options": curve_options(look, found),
        "curve_keeps": _keeps(look.filters, "curve"),
        "new_customers": trend_chart(look, found.months, charts.NEW),
        "rate_chart": rate_chart(look, found.rate_points),
        "trends": [
            trend_chart(look, found.months, charts.NET),
            trend_chart(look, found.months, charts.PURCHASES),
        ],
    }
