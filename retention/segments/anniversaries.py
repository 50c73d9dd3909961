"""Days that come back every year: a birthday, the day of the first purchase.

29 February is kept on the 28th in years that have none. The day itself is not its own anniversary.
"""

from __future__ import annotations

from retention.segments.statement import Statement, day_start
from retention.segments.windows import NEVER, Window


def _in_year(day: str, year: str) -> str:
    # Adding years to 29 February gives the 28th where the year is short.
    return f"(({day}) + make_interval(years => ({year} - extract(year FROM {day}))::int))::date"


def _year(day: str) -> str:
    return f"extract(year FROM {day})"


def _ends(s: Statement, window: Window) -> tuple[str, str]:
    assert window.low is not None
    assert window.high is not None
    return window.low.at(s), window.high.at(s)


def inside(s: Statement, window: Window, day: str) -> str:
    """SQL: some anniversary of `day` lies in the window (at most a year long)."""
    low, high = _ends(s, window)
    first, second = _in_year(day, _year(low)), _in_year(day, _year(high))
    return (
        f"(({first} BETWEEN {low} AND {high} AND {first} > {day})"
        f" OR ({second} BETWEEN {low} AND {high} AND {second} > {day}))"
    )


def turns(s: Statement, window: Window, day: str) -> str:
    """SQL: when the next anniversary enters the window, or the present one leaves it."""
    low, high = _ends(s, window)
    assert window.low is not None
    assert window.high is not None
    first, second = _in_year(day, _year(low)), _in_year(day, _year(high))
    present = (
        f"(CASE WHEN {first} BETWEEN {low} AND {high} AND {first} > {day} THEN {first} ELSE {second} END)"
    )
    from_year = f"greatest({_year(high)}, {_year(day)} + 1)"
    after = (
        f"(CASE WHEN {_in_year(day, from_year)} > {high} THEN {_in_year(day, from_year)}"
        f" ELSE {_in_year(day, from_year + ' + 1')} END)"
    )
    return (
        f"CASE WHEN {day} IS NULL THEN {NEVER} ELSE least({day_start(window.high.reached(s, after))},"
        f" CASE WHEN {inside(s, window, day)} THEN {day_start(window.low.reached(s, present + ' + 1'))}"
        f" END) END"
    )
