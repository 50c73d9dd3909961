"""What is this file? Told by its header, whatever the case of its letters."""

from __future__ import annotations

from retention.ingest.files import shopify, woocommerce
from retention.ingest.files.lines import LINES
from retention.ingest.files.reading import Unreadable
from retention.ingest.files.staged import Format

# Columns that every file of a kind has, each by any of its names; the first kind that fits is it.
KNOWN: tuple[tuple[Format, tuple[str, ...]], ...] = (
    (shopify.ORDERS, ("name", "created at", "lineitem name", "lineitem price", "lineitem quantity")),
    (shopify.CUSTOMERS, ("first name", "last name", "email", "accepts email marketing|accepts marketing")),
    (shopify.PRODUCTS, ("handle|url handle", "title", "variant price|price", "vendor")),
    (woocommerce.ORDERS, ("order_id|order_number", "order_date", "order_total")),
    (woocommerce.ANALYTICS_ORDERS, ("date", "order #", "net sales|n. revenue (formatted)", "product(s)")),
    (woocommerce.PRODUCTS, ("type", "sku", "name", "regular price", "categories")),
)
FORMATS: dict[str, Format] = {form.name: form for form in (LINES, *(form for form, _ in KNOWN))}

# Files of other tools that people try here: columns that only they have, and what they are.
ELSEWHERE = (
    ({"rating", "body"}, "product reviews"),
    ({"rating", "body_text"}, "product reviews"),
    ({"review_content", "review_score"}, "product reviews"),
    ({"email", "points"}, "loyalty points"),
    ({"email address", "member_rating"}, "a mailing list"),
)


def recognise(header: list[str]) -> Format:
    """The format of a file with this header. Raises Unreadable with a reason for the merchant."""
    names = {name.strip().lower() for name in header}
    for columns, what in ELSEWHERE:
        if columns <= names:
            raise Unreadable(
                f"This file holds {what}, not orders, customers or products. Nothing was imported."
            )
    for form, needed in KNOWN:
        if all(names.intersection(column.split("|")) for column in needed):
            return form
    if len(names - {""}) > 1:
        return LINES
    raise Unreadable(
        "This file was not recognised: it is no table with a header and at least two columns, such as dates"
        f" and amounts. Its first line: {', '.join(header)[:300]}."
    )
