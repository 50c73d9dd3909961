"""The made-up shop by itself, before any database."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest

from retention.dashboard.demo import files, goods, pictures, shop

TODAY = date(2026, 5, 20)


@pytest.fixture(scope="module")
def full() -> shop.Shop:
    return shop.build(TODAY)


def test_the_shop_has_eight_thousand_people_and_about_25000_orders(full: shop.Shop) -> None:
    assert len(full.people) == 8_000
    assert 23_500 < len(full.sales) < 26_500
    assert {s.person.number for s in full.sales if s.person and not s.cancelled_at} == set(range(1, 8_001))


def test_the_same_day_always_makes_the_same_shop() -> None:
    assert shop.build(TODAY, scale=0.05) == shop.build(TODAY, scale=0.05)


def test_all_orders_lie_in_the_two_years_before_today(full: shop.Shop) -> None:
    days = [sale.placed_at.date() for sale in full.sales]
    assert min(days) >= TODAY - timedelta(days=731)
    assert max(days) < TODAY


def test_about_thirty_percent_of_a_years_customers_come_back(full: shop.Shop) -> None:
    since = TODAY - timedelta(days=365)
    orders = Counter(
        s.person.number for s in full.sales if s.person and not s.cancelled_at and s.placed_at.date() >= since
    )
    assert 0.27 < sum(n > 1 for n in orders.values()) / len(orders) < 0.34


def test_people_won_by_email_come_back_more_often_than_those_won_by_advertising(full: shop.Shop) -> None:
    orders = Counter(s.person.number for s in full.sales if s.person and not s.cancelled_at)

    def repeat(name: str) -> float:
        people = [p for p in full.people if p.channel.name == name]
        return sum(orders[p.number] > 1 for p in people) / len(people)

    assert repeat("E-mail") > repeat("Organic search") > repeat("Google Ads") > repeat("Marketplace")


def test_november_and_december_are_the_peak(full: shop.Shop) -> None:
    months = Counter((s.placed_at.year, s.placed_at.month) for s in full.sales)
    assert {month for (_, month), _ in months.most_common(2)} == {11, 12}


def test_some_orders_are_cancelled_refunded_late_or_without_a_customer(full: shop.Shop) -> None:
    total = len(full.sales)
    parcels = [s.parcel for s in full.sales if s.parcel]
    late = [p for p in parcels if p.delivered_at and p.delivered_at > p.due_at]
    assert 0.01 < sum(s.cancelled_at is not None for s in full.sales) / total < 0.03
    assert 0.02 < sum(s.refunded > 0 for s in full.sales) / total < 0.06
    assert 0.02 < len(late) / len(parcels) < 0.08
    assert 0.1 < sum(s.person is None for s in full.sales) / total < 0.25


def test_a_refund_never_exceeds_what_was_paid_for_the_items(full: shop.Shop) -> None:
    assert all(0 <= sale.refunded <= sale.subtotal for sale in full.sales)


def test_the_goods_have_their_own_sku_and_handle_and_fit_together() -> None:
    titles = {good.title for good in goods.GOODS}
    assert len(goods.GOODS) == 60
    assert len({good.sku for good in goods.GOODS}) == len({good.handle for good in goods.GOODS}) == 60
    assert all({a, b} <= titles for a, _, b in goods.RELATIONS)
    assert all(0 < good.cost < good.price for good in goods.GOODS)


@pytest.mark.parametrize("drawing", pictures.DRAWINGS)
def test_a_picture_is_sound_and_runs_nothing(drawing: str) -> None:
    tags = {
        element.tag.rpartition("}")[2] for element in ElementTree.fromstring(pictures.draw(drawing, 3)).iter()
    }
    assert tags <= {"svg", "rect", "path", "circle"}
    assert pictures.address(drawing, 3).startswith("data:image/svg+xml,%3Csvg ")


def test_the_orders_file_has_a_row_for_each_item(tmp_path: Path) -> None:
    small = shop.build(TODAY, scale=0.01)
    _, customers, orders = files.write_all(small, tmp_path)
    with orders.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == sum(len(sale.items) for sale in small.sales)
    assert {row["Name"] for row in rows} == {sale.name for sale in small.sales}
    assert sum(float(row["Subtotal"] or 0) for row in rows) == pytest.approx(
        sum(sale.subtotal for sale in small.sales) / 100
    )
    assert len(customers.read_text(encoding="utf-8").splitlines()) == 81
