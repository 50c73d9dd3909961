"""Print a store's figures."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from retention.lib import formats
from retention.metrics.report import build_report
from retention.stores.models import Store


class Command(BaseCommand):
    help = "Print a store's customers, revenue, repeat rates and cohorts."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--store", required=True, help="the store's short name in addresses")
        parser.add_argument("--as-of", type=date.fromisoformat, help="YYYY-MM-DD; default: today")
        parser.add_argument("--json", action="store_true", help="one JSON object; money in minor units")

    def handle(self, *args: Any, **options: Any) -> None:
        store = Store.objects.filter(slug=options["store"]).first()
        if store is None:
            raise CommandError(f"There is no store “{options['store']}”.")
        report = build_report(store, options["as_of"])
        self.stdout.write(json.dumps(report) if options["json"] else readable(report, store.locale))


MONEY = ("net_revenue", "customer_sales", "customer_net_revenue", "guest_net_revenue", "refunds", "aov")


def readable(report: dict[str, Any], locale: str) -> str:
    """The report as a table of names and values, then one line per cohort."""
    lines = []
    for key, value in report.items():
        if key == "cohorts":
            lines += [f"{c['month']}  {c['customers']:>8}  {' '.join(map(str, c['active']))}" for c in value]
        elif key == "repeat_curve":
            lines += [f"second purchase in {p['days']:>3} days  {_percent(p)}" for p in value]
        elif isinstance(value, dict):
            lines.append(f"{key.replace('_', ' '):<28}{_percent(value)}  of {value['n']}")
        elif key in MONEY:
            lines.append(f"{key.replace('_', ' '):<28}{formats.money(value, report['currency'], locale)}")
        else:
            lines.append(f"{key.replace('_', ' '):<28}{value}")
    return "\n".join(lines)


def _percent(rate: dict[str, Any]) -> str:
    if rate["value"] is None:
        return "nothing to say yet"
    return f"{rate['value']:.3%} ({rate['low']:.3%} to {rate['high']:.3%})"
