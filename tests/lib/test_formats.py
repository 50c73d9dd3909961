"""Figures as people read them."""

from datetime import UTC, date, datetime, timedelta

from retention.ingest.files import values
from retention.lib import formats


def test_money_follows_the_stores_locale() -> None:
    assert formats.money(14260, "USD") == "$142.60"
    assert formats.money(14260, "EUR", "de_DE") == "142,60\u00a0€"


def test_a_currency_without_cents_is_not_divided() -> None:
    assert formats.money(500, "JPY", "en_US") == "¥500"


def test_whole_money_drops_the_cents() -> None:
    assert formats.money(123456, "USD", whole=True) == "$1,235"


def test_a_change_of_money_always_shows_its_sign() -> None:
    assert formats.signed_money(-920, "USD") == "−$9.20"
    assert formats.signed_money(920, "USD") == "+$9.20"


def test_shares_have_a_unit_that_does_not_wrap() -> None:
    assert formats.percent(0.314) == "31.4\u00a0%"
    assert formats.points(0.023) == "+2.3\u00a0pts"
    assert formats.points(0.01) == "+1.0\u00a0pt"


def test_what_is_unknown_is_a_dash() -> None:
    assert {formats.money(None, "USD"), formats.percent(None), formats.days(None), formats.day(None)} == {"—"}


def test_one_day_is_singular() -> None:
    assert formats.days(1) == "1\u00a0day"
    assert formats.days(54) == "54\u00a0days"


def test_an_unknown_locale_falls_back_to_us_english() -> None:
    assert formats.number(1234.5, "xx_nope", digits=1) == "1,234.5"


def test_moments_are_told_on_the_clock_of_the_store() -> None:
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert "7:00:00" in formats.moment(noon, "en_US", "America/New_York")
    assert formats.day(date(2026, 11, 22)) == "Nov 22, 2026"


def test_a_while_ago_is_rough() -> None:
    assert formats.ago(timedelta(seconds=5)) == "just now"
    assert formats.ago(timedelta(hours=3, minutes=5)) == "3 hours ago"


def test_every_currency_is_shown_with_the_decimals_that_files_are_read_with() -> None:
    for currency in ("RSD", "IRR", "MGA", "KWD", "IQD", "JPY", "USD"):
        assert formats.major(values.minor(values.money(currency)("5")), currency) == 5
