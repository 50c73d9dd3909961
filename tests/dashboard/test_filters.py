"""The choice of what to look at, as it stands in the URL."""

from datetime import date

import pytest
from django.http import QueryDict

from retention.dashboard.filters import Filters, parse


def test_an_empty_query_is_the_ordinary_front_page_and_back() -> None:
    assert parse(QueryDict("")) == Filters()
    assert Filters().query == ""


def test_a_choice_survives_the_way_through_the_url() -> None:
    chosen = Filters(
        range="90", as_of=date(2026, 3, 1), channel="email", tab="clv", curves=(date(2026, 1, 1),)
    )
    assert parse(QueryDict(chosen.query)) == chosen


@pytest.mark.parametrize("query", ["range=7", "as_of=yesterday", "tab=pie", "curve=13", "as_of=0001-01-01"])
def test_what_makes_no_sense_is_left_out(query: str) -> None:
    assert parse(QueryDict(query)) == Filters()


def test_orders_without_a_channel_can_be_chosen() -> None:
    assert parse(QueryDict("channel=(unknown)")).where == {"channel": ""}
    assert parse(QueryDict("channel=")).where == {}


def test_all_time_has_no_length() -> None:
    assert parse(QueryDict("range=all")).days is None


def test_a_link_changes_one_thing_and_keeps_the_rest() -> None:
    assert Filters(channel="email").link(tab="net") == "?channel=email&tab=net"
