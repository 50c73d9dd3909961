"""The list of customers in a large shop: found while typing, filtered, turned page by page.

python bench/customers.py [--scale 0.1]      scale 1: 1 M people, 1 M orders

Names, places, phones, tags and consent are spread over the people as in a real shop: a few common names,
many rare ones. Figures are warm medians of whole answers: address, sign-in, queries and page.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

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
    with own_data(free_gb=2 + 6 * scale):
        store = _fill(scale)
        met = _ask(store, _client(store))
    say(f"{sum(met)} of {len(met)} goals met at scale {scale:g}")
    sys.exit(0 if all(met) else 1)


def _fill(scale: float) -> Store:
    """A million people and as many orders; the figures are put in as a rebuild would leave them, because
    the list is asked here, and the rebuild has a bench of its own."""
    from django.db import connection, transaction

    from bench.big_shop import _bare
    from retention.stores.models import Store

    store = Store.objects.create(slug="bench", name="Bench", time_zone="America/New_York")
    given = {"store": store.pk, "people": max(1000, int(1_000_000 * scale))}
    with stopwatch("people, orders, figures"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off; SELECT setseed(0.5)")
        with _bare(cursor):
            for sql in FILL:
                cursor.execute(sql, given)
    with stopwatch("analyzed"), connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return store


FILL = (
    """
    INSERT INTO customers_customer (id, store_id, email, phone, first_name, last_name, company, city, region,
        country, tags, versions, created_at)
    SELECT i, %(store)s, 'buyer' || i || '@example.com',
        '+4670' || lpad((i::bigint * 7919 %% 10000000)::text, 7, '0'),
        (ARRAY['Anna', 'Maria', 'John', 'James', 'Wei', 'Fatima', 'Olga', 'Juan'])[1 + (i * 7) %% 8]
            || CASE WHEN i %% 3 = 0 THEN '' ELSE chr(97 + i %% 26) END,
        initcap(substr(md5((i %% 40000)::text), 1, 7)), '', '', '',
        CASE WHEN i %% 1000 = 0 THEN 'IS' WHEN i %% 4 = 0 THEN 'CA' ELSE 'US' END,
        CASE WHEN i %% 2000 = 0 THEN '["wholesale"]'::jsonb WHEN i %% 5 = 0 THEN '["vip"]' ELSE '[]' END,
        '{}', now()
    FROM generate_series(1, %(people)s) AS i
    """,
    """
    INSERT INTO orders_order (store_id, source, external_id, number, customer_id, placed_at, test, void,
        items, discounts, refunded, shipping, tax, channel, campaign, coupon, country, first_category,
        status, version, digest)
    SELECT %(store)s, 'bench', i::text, '#' || i, i, now() - random() * interval '4 years', false, false,
        5000, 0, 0, 0, 0, '', '', '', '', '', 'paid', 1, ''
    FROM generate_series(1, %(people)s) AS i
    """,
    """
    INSERT INTO metrics_customerfact (customer_id, store_id, channel, campaign, country, category, cohort,
        purchases, first_day, last_day, sales, discounts, net, net_12)
    SELECT i, %(store)s, '', '', '', '', 24000, n, current_date - 1500, current_date - (1400 * random())::int,
        n * 5000, 0, n * (2000 + (6000 * random())::int), 0
    FROM (SELECT i, 1 + (20 * random() ^ 4)::int AS n FROM generate_series(1, %(people)s) AS i
        WHERE i %% 10 > 0) AS bought
    """,
    """
    INSERT INTO metrics_cohortvalue (store_id, dimension, value, cohort, customers)
    SELECT %(store)s, 'all', '', 24000, count(*) FROM metrics_customerfact WHERE store_id = %(store)s
    """,
    """
    INSERT INTO customers_consent (store_id, customer_id, channel, purpose, status, reason, since)
    SELECT %(store)s, i, 'email', 'marketing',
        CASE WHEN i %% 5 = 0 THEN 'unsubscribed' ELSE 'subscribed' END, '', now()
    FROM generate_series(2, %(people)s, 2) AS i
    """,
    """
    INSERT INTO customers_identity (store_id, source, external_id, customer_id)
    SELECT %(store)s, 'bench', 'c' || i, i FROM generate_series(1, %(people)s) AS i
    """,
)


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
