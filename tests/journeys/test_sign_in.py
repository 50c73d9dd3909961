from __future__ import annotations

import pytest

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def test_a_member_signs_in_and_lands_where_she_wanted(enter, olivia, assert_usable):
    page = enter(olivia, "/fern-finch/activity/")
    assert page.get_by_role("heading", name="Activity").is_visible()
    assert_usable(page)
