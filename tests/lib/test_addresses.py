"""Numbers of rows, as they come in addresses."""

from __future__ import annotations

import pytest

from retention.lib.addresses import id_of


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("42", 42), ("9" * 18, 10**18 - 1)])
def test_a_number_is_read(text, number):
    assert id_of(text) == number


@pytest.mark.parametrize(
    "text", ["", "x", "-1", "+1", "1_0", " 1", "1.0", "²", "٣", "\x00", "9" * 19, "9" * 5_000]
)
def test_everything_else_is_nobodys_number(text):
    assert id_of(text) is None
