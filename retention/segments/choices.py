"""What a value of a rule is chosen from, found by typing: products, categories, vendors, coupons.

A store may have a hundred thousand of them: nobody gets more than MOST at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import Case, Q, QuerySet, When

from retention.catalog.models import Product
from retention.lib.addresses import id_of
from retention.segments.conditions import CONDITIONS
from retention.segments.models import Segment
from retention.stores.models import Store

MOST = 20
MOST_TYPED = 100
# Coupons and tags have no index of their own: they are looked for in so many of the newest rows, which takes
# some 50 ms. An older one can be typed out.
NEWEST = 50_000
# Chosen by number, shown by name; everything else stands for itself, and may be typed though nobody has it.
NUMBERED = ("product", "segment", "list")
NAMES = {
    "product": "products",
    "category": "categories",
    "vendor": "vendors",
    "sku": "SKUs",
    "product_tag": "product tags",
    "tag": "tags",
    "channel": "channels",
    "campaign": "campaigns",
    "coupon": "coupons",
    "country": "countries",
    "segment": "segments",
    "list": "lists",
}
_OF_CATALOG = "SELECT DISTINCT {} AS v FROM catalog_product WHERE store_id = %(store)s"
_OF_PURCHASES = (
    "SELECT DISTINCT value AS v FROM metrics_cohortvalue WHERE store_id = %(store)s AND dimension = '{}'"
)
_TAGS = "jsonb_array_elements_text(CASE jsonb_typeof(r.tags) WHEN 'array' THEN r.tags ELSE '[]' END) AS t (v)"
VALUES = {
    **{name: _OF_CATALOG.format(name) for name in ("category", "vendor", "sku")},
    **{name: _OF_PURCHASES.format(name) for name in ("channel", "campaign", "country")},
    "product_tag": f"SELECT DISTINCT t.v FROM catalog_product r, {_TAGS} WHERE r.store_id = %(store)s",
    "tag": f"""
        SELECT t.v FROM (SELECT tags FROM customers_customer WHERE store_id = %(store)s
            ORDER BY id DESC LIMIT {NEWEST}) r, {_TAGS} WHERE r.tags <> '[]'
        UNION SELECT tag FROM customers_tagging WHERE store_id = %(store)s AND added""",
    "coupon": f"""
        SELECT DISTINCT r.coupon AS v FROM (SELECT coupon FROM orders_order WHERE store_id = %(store)s
            ORDER BY placed_at DESC, id DESC LIMIT {NEWEST}) r""",
}


@dataclass(frozen=True)
class Option:
    value: str
    label: str
    # What tells it from another of the same name.
    detail: str = ""


@dataclass(frozen=True)
class Found:
    options: Sequence[Option] = ()
    more: bool = False


def is_known(what: str) -> bool:
    return what in NAMES or _declared(what) is not None


def name_of(what: str) -> str:
    return NAMES.get(what, "values")


def found(store: Store, what: str, typed: str) -> Found:
    """Those that have every typed word in them, the nearest first."""
    typed = " ".join(typed.replace("\x00", "").split())[:MOST_TYPED]
    if what == "product":
        options = _products(_of_words(store, typed)[: MOST + 1])
    elif what in NUMBERED:
        named = _groups(store, what).filter(name__icontains=typed).order_by("name", "pk")[: MOST + 1]
        options = [Option(str(pk), name) for pk, name in named.values_list("pk", "name")]
    else:
        options = [Option(one, one) for one in _values(store, what, typed)]
    return Found(options[:MOST], len(options) > MOST)


def chosen(store: Store, what: str, values: Sequence[str]) -> list[Option]:
    """Chosen values as they are shown, in their order."""
    if what not in NUMBERED:
        return [Option(one, one) for one in values]
    ids = [pk for pk in map(id_of, values) if pk is not None]
    if what == "product":
        known = _products(Product.objects.filter(store=store, pk__in=ids))
    else:
        groups = Segment.objects.filter(store=store, pk__in=ids).values_list("pk", "name")
        known = [Option(str(pk), name) for pk, name in groups]
    named = {one.value: one for one in known}
    return [
        named.get(one) or Option(one, f"{what.capitalize()} {one}", "not there any more") for one in values
    ]


def are_few(store: Store, what: str) -> bool:
    """So few groups that a plain list is better than a search."""
    return _groups(store, what).count() <= MOST


def _groups(store: Store, what: str) -> QuerySet[Segment]:
    kind = Segment.Kind.RULE if what == "segment" else Segment.Kind.LIST
    return Segment.objects.filter(store=store, kind=kind).active()


def _of_words(store: Store, typed: str) -> QuerySet[Product]:
    mine = Product.objects.filter(store=store)
    for word in typed.split():
        mine = mine.filter(Q(title__icontains=word) | Q(sku__icontains=word))
    nearness = Case(
        When(sku__iexact=typed, then=0),
        When(title__istartswith=typed, then=1),
        When(sku__istartswith=typed, then=2),
        default=3,
    )
    return mine.order_by(nearness, "title", "sku", "pk")


def _products(some: QuerySet[Product]) -> list[Option]:
    rows = some.values_list("pk", "title", "sku")
    return [Option(str(pk), title or sku or f"Product {pk}", sku if title else "") for pk, title, sku in rows]


def _values(store: Store, what: str, typed: str) -> list[str]:
    sql = VALUES.get(what) or _declared(what)
    if sql is None:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT v FROM ({sql}) s (v) WHERE v <> '' AND strpos(lower(v), lower(%(typed)s)) > 0
            ORDER BY starts_with(lower(v), lower(%(typed)s)) DESC, lower(v), v LIMIT {MOST + 1}""",
            {"store": store.pk, "typed": typed},
        )
        return [str(row[0]) for row in cursor.fetchall()]


def _declared(what: str) -> str | None:
    """The choices of a condition that an upper app added."""
    condition = CONDITIONS.get(what)
    return (condition.choices or None) if condition else None
