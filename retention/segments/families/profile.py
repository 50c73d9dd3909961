"""Who somebody is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from retention.segments import types
from retention.segments.conditions import Condition, Known, Leaf, Node, asked
from retention.segments.statement import Statement
from retention.segments.types import DateOperator, Type

# Imports change profiles without an event of their own, but never without one of an order.
HEARD = ("customer.", "order.", "preferences.")
TEXTS = {
    "email": "Email",
    "phone": "Phone",
    "first_name": "First name",
    "last_name": "Last name",
    "company": "Company",
    "postal_code": "Postal code",
    "city": "City",
    "region": "Region",
    "country": "Country",
    "time_zone": "Time zone",
    "locale": "Language",
}
TAGS = "ARRAY(SELECT lower(t) FROM jsonb_array_elements_text(c.tags) t)"
SOURCES = "ARRAY(SELECT DISTINCT lower(i.source) FROM customers_identity i WHERE i.customer_id = c.id)"


# A birthday of which the year is not known stands in a leap year, so that 29 February exists.
BIRTHDAY = (
    "(CASE WHEN c.birthday ~ '^([12][0-9][0-9][0-9]|-)-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$'"
    " THEN make_date(CASE WHEN left(c.birthday, 1) = '-' THEN 1904 ELSE left(c.birthday, 4)::int END,"
    " left(right(c.birthday, 5), 2)::int, 1) + (right(c.birthday, 2)::int - 1) END)"
)


def _yearly(name: str, words: str) -> DateOperator:
    operator = types.YEARLY[f"anniversary_{name}"]
    return DateOperator(name, words, operator.value, operator.window, yearly=True)


birthday = Type(
    "birthday",
    types.DATE_CHECKS,
    {one.name: one for one in (_yearly("today", "is today"), _yearly("in_next", "is in the next {value}"))},
)


@dataclass(frozen=True)
class Custom(Condition):
    """A field without a column of its own, as a text."""

    def leaf(self, s: Statement, node: Node) -> Leaf:
        what = f"coalesce(c.custom ->> {s.text(node['field'])}, '')"
        return Leaf(asked(s, self.type, node, what)[0], what)

    def sentence(self, node: Node, value: str) -> str:
        return super().sentence(node, value).replace(self.label, f"{self.label} “{node['field']}”", 1)


def conditions() -> Iterable[Condition]:
    for name, label in TEXTS.items():
        yield Known(f"profile.{name}", label, types.text, HEARD, what=f"c.{name}")
    yield Known("profile.tags", "Tags", types.texts, HEARD, what=TAGS)
    yield Known("profile.source", "Sources", types.texts, HEARD, what=SOURCES)
    yield Known("profile.known_since", "First record", types.moment, HEARD, what="c.created_at")
    yield Known("profile.birthday", "Birthday", birthday, HEARD, what=BIRTHDAY)
    yield Known(
        "profile.accepts_email", "Agreed to e-mail in the shop", types.maybe, HEARD, what="c.accepts_email"
    )
    field = {"field": {"type": "string", "minLength": 1, "maxLength": 200}}
    yield Custom("profile.custom", "Field", types.text, HEARD, field, ("field",))
