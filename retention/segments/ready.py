"""Ready-made segments: rules like any other, which the merchant can read and change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.utils import timezone

from retention.segments.actions import create_segment, maker
from retention.segments.benchmarks import Benchmarks
from retention.segments.facts import benchmarks_of, measure
from retention.segments.models import Segment
from retention.segments.rules import Rule
from retention.stores.models import Store

# In percent of the usual gap since the last purchase: from here on at risk, and from there lapsed.
LATE, LOST = 150, 300


@dataclass(frozen=True)
class Shop:
    """What a rule may take from a store when it is made."""

    usual: Benchmarks
    categories: list[str]


@dataclass(frozen=True)
class ReadyMade:
    key: str
    family: str
    name: str
    description: str
    rule: Callable[[Shop], Rule | None]


def _if(name: str, operator: str, value: object = None, **extras: object) -> Rule:
    given = {} if value is None else {"value": value}
    return {"if": name, "is": operator, **given, **extras}


def _all(*nodes: Rule) -> Rule:
    return {"all": list(nodes)}


def _in_last(name: str, n: int, unit: str = "days") -> Rule:
    return _if(name, "in_last", {"n": n, "unit": unit})


ON_TIME = _if("orders.rhythm", "less_than", LATE)
NEW = _in_last("orders.first", 30)
FIRST_TIME = _all(_if("orders.count", "equals", 1), NEW)


def _rfm(recency: list[int], frequency: list[int], money: list[int] | None = None) -> Rule:
    parts = [("rfm.recency", recency), ("rfm.frequency", frequency), ("rfm.money", money or [1, 5])]
    return _all(*(_if(name, "between", span) for name, span in parts if span != [1, 5]))


def _favorite(shop: Shop) -> Rule:
    return _all(_if("orders.count", "at_least", 3), _if("products.favorite_share", "at_least", 60))


def _cross(shop: Shop) -> Rule | None:
    if len(shop.categories) < 2:
        return None
    have, lack = ({"category": [category]} for category in shop.categories[:2])
    return _all(_if("products.bought", "yes", of=have), _if("products.bought", "no", of=lack))


def _convenient(shop: Shop) -> Rule:
    paid = [{"field": "shipping", "is": "at_least", "value": shop.usual.shipping}]
    return _all(_if("orders.count", "at_least", 2), _if("orders.share", "at_least", 50, where=paid))


READY = {
    one.key: one
    for one in (
        ReadyMade("new", "Lifecycle", "New", "First purchase in the last 30 days.", lambda shop: _all(NEW)),
        ReadyMade(
            "developing",
            "Lifecycle",
            "Developing",
            "One or two purchases, and not late for the next.",
            lambda shop: _all(_if("orders.count", "between", [1, 2]), {"not": NEW}, ON_TIME),
        ),
        ReadyMade(
            "loyal",
            "Lifecycle",
            "Loyal",
            "Three or more purchases, and not late for the next.",
            lambda shop: _all(
                _if("orders.count", "at_least", 3), {"not": NEW}, ON_TIME, _if("rfm.money", "less_than", 5)
            ),
        ),
        ReadyMade(
            "champions",
            "Lifecycle",
            "Champions",
            "Loyal, and among the fifth who spend most.",
            lambda shop: _all(
                _if("orders.count", "at_least", 3), {"not": NEW}, ON_TIME, _if("rfm.money", "equals", 5)
            ),
        ),
        ReadyMade(
            "at-risk",
            "Lifecycle",
            "At risk",
            "Half as long again as usual without a purchase.",
            lambda shop: _all(
                _if("orders.rhythm", "at_least", LATE), _if("orders.rhythm", "less_than", LOST), {"not": NEW}
            ),
        ),
        ReadyMade(
            "lapsed",
            "Lifecycle",
            "Lapsed",
            "Three times as long as usual without a purchase.",
            lambda shop: _all(_if("orders.rhythm", "at_least", LOST), {"not": NEW}),
        ),
        ReadyMade(
            "won-back",
            "Lifecycle",
            "Won back",
            "Bought again in the last 60 days after having lapsed.",
            lambda shop: _all(_if("orders.comeback", "at_least", LOST), _in_last("orders.last", 60)),
        ),
        ReadyMade(
            "rfm-best",
            "RFM",
            "RFM: best",
            "Recent, frequent and of high value.",
            lambda shop: _rfm([4, 5], [4, 5], [4, 5]),
        ),
        ReadyMade(
            "rfm-frequent",
            "RFM",
            "RFM: frequent",
            "Frequent and recent, of less value.",
            lambda shop: _all(*_rfm([3, 5], [4, 5])["all"], {"not": _rfm([4, 5], [4, 5], [4, 5])}),
        ),
        ReadyMade(
            "rfm-promising",
            "RFM",
            "RFM: promising",
            "Recent, and not frequent yet.",
            lambda shop: _rfm([4, 5], [1, 3]),
        ),
        ReadyMade(
            "rfm-attention",
            "RFM",
            "RFM: need attention",
            "Neither recent nor long ago, not frequent.",
            lambda shop: _rfm([3, 3], [1, 3]),
        ),
        ReadyMade(
            "rfm-slipping",
            "RFM",
            "RFM: slipping away",
            "Frequent once, long ago.",
            lambda shop: _rfm([1, 2], [4, 5]),
        ),
        ReadyMade(
            "rfm-inactive",
            "RFM",
            "RFM: inactive",
            "Long ago and never frequent.",
            lambda shop: _rfm([1, 2], [1, 3]),
        ),
        ReadyMade(
            "price-sensitive",
            "Personas",
            "Price-sensitive",
            "Half of their purchases or more with a discount.",
            lambda shop: _all(
                _if("orders.count", "at_least", 2),
                _if(
                    "orders.share",
                    "at_least",
                    50,
                    where=[{"field": "discount", "is": "more_than", "value": 0}],
                ),
            ),
        ),
        ReadyMade(
            "premium",
            "Personas",
            "Premium",
            "Buy what is dear in its category.",
            lambda shop: _all(
                _if("orders.count", "at_least", 2), _if("products.price_position", "at_least", 75)
            ),
        ),
        ReadyMade(
            "category-lovers",
            "Personas",
            "Category lovers",
            "Most of their spend in one category.",
            _favorite,
        ),
        ReadyMade(
            "convenience",
            "Personas",
            "Convenience",
            "Pay for the dearer shipping with most purchases.",
            _convenient,
        ),
        ReadyMade(
            "first-time",
            "Next step",
            "First-time buyers of 30 days",
            "One purchase, in the last 30 days.",
            lambda shop: FIRST_TIME,
        ),
        ReadyMade(
            "second-purchase",
            "Next step",
            "Second purchase due",
            "One purchase, about as long ago as people here wait for the next.",
            lambda shop: _all(_if("orders.count", "equals", 1), _if("orders.rhythm", "between", [60, LATE])),
        ),
        ReadyMade(
            "bought-not",
            "Next step",
            "Bought one, not the other",
            "Bought the first category, not the second.",
            _cross,
        ),
        ReadyMade(
            "big-baskets",
            "Value",
            "Big baskets",
            "Spend per purchase like the highest tenth of all purchases.",
            lambda shop: _if("orders.average", "at_least", shop.usual.basket),
        ),
        ReadyMade(
            "seldom-loyal",
            "Value",
            "Infrequent but loyal",
            "Seldom, but again and again, and not late.",
            lambda shop: _all(
                _if("orders.count", "at_least", 3), _if("orders.gap", "at_least", 2 * shop.usual.gap), ON_TIME
            ),
        ),
    )
}


def offered(store: Store) -> dict[str, Rule]:
    """The ready-made rules as they are for this store now."""
    shop = Shop(benchmarks_of(store), _categories(store))
    found = {key: one.rule(shop) for key, one in READY.items()}
    return {key: rule for key, rule in found.items() if rule is not None}


def _categories(store: Store) -> list[str]:
    """Those that most people bought from."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT category FROM segments_bought WHERE store_id = %s AND category <> ''"
            " GROUP BY category ORDER BY count(DISTINCT customer_id) DESC, category LIMIT 2",
            [store.pk],
        )
        return [row[0] for row in cursor.fetchall()]


def adopt(store: Store, key: str, *, by: str, now: datetime | None = None) -> Segment:
    """Make a ready-made segment the store's own; the same one again if it has it."""
    found = Segment.objects.filter(store=store, ready=key).active().first()
    if found:
        return found
    measure(store, (now or timezone.now()).astimezone(store.tz).date())
    one = READY[key]
    return create_segment(
        store,
        name=one.name,
        description=one.description,
        rule=offered(store)[key],
        by=by,
        owner=maker(by),
        ready=key,
        now=now,
    )
