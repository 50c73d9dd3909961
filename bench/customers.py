"""The list of customers in a large shop: found while typing, filtered, turned page by page.

python bench/customers.py [--scale 0.1]      scale 1: 1 M people, 10 M orders

Names, places, phones, tags and consent are spread over the people as in a real shop: a few common names,
many rare ones. Figures are warm medians of whole answers: address, sign-in, queries and page.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.goals import goal, own_data, say, stopwatch, timed

if TYPE_CHECKING:
    from django.test import Client

    from retention.stores.models import Store

MS, TIMES = 100, 15
ASKED = {
    "first_page": "",
    "second_page": "after=",
    "by_net": "sort=net",
    "by_name": "sort=name",
    "by_added": "sort=added",
    "search_one_letter": "q=a",
    "search_name": "q=anna",
    "search_whole_name": "q=anna+berg",
    "search_email": "q=buyer4711",
    "search_phone": "q=4670",
    "search_order": "q=%23777",
    "search_nobody": "q=zzzz",
    "country_common": "country=US",
    "country_rare": "country=IS",
    "tag_rare": "tag=wholesale",
    "consent": "consent=email-subscribed",
    "spend_and_recent": "spend_from=100&last=in-365",
    "search_and_filters": "q=an&country=IS&purchases_from=2",
}


def main() -> None:
    given = argparse.ArgumentParser()
    given.add_argument("--scale", type=float, default=1.0)
    scale = given.parse_args().scale
    with own_data(free_gb=3 + 15 * scale):
        store = _fill(scale)
        met = _ask(store, _client(store))
    say(f"{sum(met)} of {len(met)} goals met at scale {scale:g}")
    sys.exit(0 if all(met) else 1)


def _fill(scale: float) -> Store:
    from django.db import connection

    from bench.big_shop import make_shop
    from retention.metrics.rebuild import rebuild

    with stopwatch("people and orders"):
        store = make_shop("bench", scale)
    with stopwatch("names, places, consent"), connection.cursor() as cursor:
        _dress(cursor, store)
    with stopwatch("figures"):
        rebuild(store)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return store


def _dress(cursor: Any, store: Store) -> None:
    cursor.execute("SELECT setseed(0.5)")
    cursor.execute(
        """
        UPDATE customers_customer SET
            first_name = (ARRAY['Anna', 'Maria', 'John', 'James', 'Wei', 'Fatima', 'Olga', 'Juan'])
                [1 + (id * 7919) %% 8] || CASE WHEN id %% 3 = 0 THEN '' ELSE chr(97 + (id %% 26)::int) END,
            last_name = initcap(substr(md5((id %% 40000)::text), 1, 7)),
            phone = '+4670' || lpad((id * 7919 %% 10000000)::text, 7, '0'),
            country = CASE WHEN id %% 1000 = 0 THEN 'IS' WHEN id %% 4 = 0 THEN 'CA' ELSE 'US' END,
            tags = CASE WHEN id %% 2000 = 0 THEN '["wholesale"]'::jsonb WHEN id %% 5 = 0 THEN '["vip"]'
                ELSE '[]' END
        WHERE store_id = %s
        """,
        [store.pk],
    )
    cursor.execute(
        "INSERT INTO customers_consent (store_id, customer_id, channel, purpose, status, reason, since)"
        " SELECT store_id, id, 'email', 'marketing', CASE WHEN id %% 5 = 0 THEN 'unsubscribed'"
        " ELSE 'subscribed' END, '', now() FROM customers_customer WHERE store_id = %s AND id %% 2 = 0",
        [store.pk],
    )
    cursor.execute(
        "INSERT INTO customers_identity (store_id, source, external_id, customer_id)"
        " SELECT store_id, 'bench', 'c' || id, id FROM customers_customer WHERE store_id = %s",
        [store.pk],
    )
    cursor.execute("VACUUM ANALYZE customers_customer, customers_consent, customers_identity")


def _client(store: Store) -> Client:
    from django.test import Client

    from retention.stores.models import Membership, Role, User

    user = User.objects.create_user("bench@example.com", "a-fern-by-the-window")
    Membership.objects.create(store=store, user=user, role=Role.OWNER)
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    return client


def _ask(store: Store, client: Client) -> list[bool]:
    results = []
    for name, query in ASKED.items():
        query = _second_page(store) if query == "after=" else query
        median, rows = _time(client, f"/{store.slug}/customers/?{query}", part="results")
        say(f"{name}: {median:.1f} ms, {rows} rows")
        results.append(goal(f"customers_{name}_ms", median, MS))
    return [*results, *_ask_one(store, client)]


def _second_page(store: Store) -> str:
    from retention.dashboard.customers import listing
    from retention.dashboard.customers.wanted import parse

    return f"after={listing.listed(listing.crowd(store, parse({})), 'last')[1]}"


def _time(client: Client, url: str, *, part: str = "") -> tuple[float, int]:
    seen = []

    def ask() -> None:
        headers = {"HX-Request": "true", "HX-Target": part} if part else {}
        answer = client.get(url, headers=headers)
        assert answer.status_code == 200, answer.status_code
        seen.append(answer.content.count(b'name="ids"'))

    median, _ = timed(ask, TIMES)
    return median, seen[-1]


def _ask_one(store: Store, client: Client) -> list[bool]:
    """The page of a good customer, and the count of all, which comes after the page."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT customer_id FROM metrics_customerfact WHERE store_id = %s ORDER BY net DESC LIMIT 1",
            [store.pk],
        )
        best = cursor.fetchone()[0]
    page, _ = _time(client, f"/{store.slug}/customers/{best}/")
    whole, _ = _time(client, f"/{store.slug}/customers/")
    count, _ = _time(client, f"/{store.slug}/customers/count/", part="count")
    say(f"count of everybody, after the page: {count:.0f} ms")
    return [goal("customer_page_ms", page, 250), goal("customers_whole_page_ms", whole, MS)]


if __name__ == "__main__":
    main()
