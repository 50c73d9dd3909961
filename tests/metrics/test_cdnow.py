"""The figures of CDNOW, to the digit."""

from __future__ import annotations

from datetime import date

import pytest

from retention.metrics import check
from retention.metrics.report import build_report
from tests.metrics.shop import CDNOW, SAMPLE, a_store, load_cdnow, tell_all

pytestmark = pytest.mark.django_db
needs_cdnow = pytest.mark.skipif(not CDNOW.exists(), reason="the CDNOW files are not on this machine")
END = date(1998, 6, 30)


@needs_cdnow
def test_every_line_an_order():
    store = a_store()
    load_cdnow(CDNOW, store)
    tell_all(store)
    report = build_report(store, END)
    rate = report["repeat_purchase_rate_all"]
    assert (report["orders"], report["customers"], rate["repeat"]) == (69_659, 23_570, 11_662)
    assert [round(100 * rate[k], 3) for k in ("value", "low", "high")] == [49.478, 48.840, 50.116]
    assert report["net_revenue"] == 250_031_563
    january = report["cohorts"][0]
    assert january["month"] == "1997-01"
    assert january["active"][:13] == [7846, 1157, 964, 810, 679, 736, 720, 582, 559, 594, 673, 634, 528]
    assert january["net_revenue"][:4] == [29_906_017, 6_104_169, 5_068_375, 4_065_550]


@needs_cdnow
def test_one_order_per_customer_and_day():
    store = a_store()
    load_cdnow(CDNOW, store, per_day=True)
    tell_all(store)
    report = build_report(store, END)
    rate = report["repeat_purchase_rate_all"]
    assert (report["orders"], report["customers"], rate["repeat"]) == (67_591, 23_570, 11_516)
    assert round(100 * rate["value"], 3) == 48.859


def test_the_sample_equals_its_raw_orders():
    store = a_store()
    load_cdnow(SAMPLE, store)
    tell_all(store)
    assert build_report(store, END)["customers"] == 2357
    assert check.differences(store) == []
