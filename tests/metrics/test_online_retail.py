"""Online Retail: real invoices with cancellations, people without a name and stock corrections."""

from __future__ import annotations

import csv
import gzip

import pytest

from retention.metrics import check
from retention.stores.models import Store
from tests.metrics.shop import ONLINE_RETAIL, a_report, import_file

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not ONLINE_RETAIL.exists(), reason="Online Retail is not on this machine"),
]
MAPPED = ("--time-zone", "Europe/London", "--map", "cancel_prefix=C")


def test_the_whole_file():
    import_file(ONLINE_RETAIL, "uk", *MAPPED, currency="GBP")
    report = a_report("uk")
    assert (report["orders"], report["customers"]) == (18_532, 4_338)
    assert report["repeat_purchase_rate_all"]["repeat"] == 2_845
    # Before refunds; cancelling invoices then lower the revenue on their own dates.
    assert report["customer_sales"] == 891_140_790
    assert report["net_revenue"] == report["customer_net_revenue"] + report["guest_net_revenue"]
    assert report["refunds"] > 0
    assert check.differences(Store.objects.get(slug="uk")) == []


def test_only_sales_to_people(tmp_path):
    """Without cancellations, corrections and guests, net revenue is sales."""
    path = tmp_path / "sales.csv"
    with gzip.open(ONLINE_RETAIL, "rt", encoding="utf-8", newline="") as source, path.open("w") as target:
        rows = csv.DictReader(source)
        writer = csv.DictWriter(target, rows.fieldnames or [])
        writer.writeheader()
        writer.writerows(r for r in rows if is_sale(r))
    import_file(path, "uk", *MAPPED, currency="GBP")
    report = a_report("uk")
    assert (report["orders"], report["customers"]) == (18_532, 4_338)
    assert report["net_revenue"] == 891_140_790
    assert (report["refunds"], report["guest_orders"]) == (0, 0)


def is_sale(row) -> bool:
    own = row["CustomerID"] and not row["InvoiceNo"].startswith("C")
    return bool(own) and int(row["Quantity"]) > 0 and float(row["UnitPrice"]) > 0
