"""The figures of CDNOW, to the digit: a file, the import command, the report."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command

from tests.metrics.shop import CDNOW, SAMPLE, a_report, cdnow_rows, import_file

pytestmark = pytest.mark.django_db(transaction=True)
needs_cdnow = pytest.mark.skipif(not CDNOW.exists(), reason="the CDNOW files are not on this machine")
END = "1998-06-30"


@pytest.fixture
def imported(tmp_path):
    def load(file, *arguments) -> dict:
        path = tmp_path / "cdnow.csv"
        path.write_text("\n".join(cdnow_rows(file)) + "\n")
        import_file(path, "shop", *arguments)
        return a_report(as_of=END)

    return load


def percents(rate, *names):
    return [round(100 * rate[name], 3) for name in names or ("value", "low", "high")]


@needs_cdnow
def test_every_line_an_order(imported):
    report = imported(CDNOW)
    rate = report["repeat_purchase_rate_all"]
    assert (report["orders"], report["customers"], rate["repeat"]) == (69_659, 23_570, 11_662)
    assert percents(rate) == [49.478, 48.840, 50.116]
    assert report["net_revenue"] == 250_031_563
    january = report["cohorts"][0]
    assert january["month"] == "1997-01"
    assert january["active"][:13] == [7846, 1157, 964, 810, 679, 736, 720, 582, 559, 594, 673, 634, 528]
    assert january["net_revenue"][:4] == [29_906_017, 6_104_169, 5_068_375, 4_065_550]


@needs_cdnow
def test_one_order_per_customer_and_day(imported):
    report = imported(CDNOW, "--one-order-per", "customer-day")
    rate = report["repeat_purchase_rate_all"]
    assert (report["orders"], report["customers"], rate["repeat"]) == (67_591, 23_570, 11_516)
    assert percents(rate, "value") == [48.859]


def test_the_sample_equals_its_raw_orders(imported):
    report = imported(SAMPLE)
    assert (report["customers"], report["orders"]) == (2357, 6919)
    out = StringIO()
    call_command("check_metrics", stdout=out)
    assert out.getvalue() == "shop: exact\n"
