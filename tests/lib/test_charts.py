"""Figures as plain JSON."""

import json

from retention.lib import charts


def a_series(**more: object) -> charts.Series:
    return charts.Series(name="2026 Q1", x=[0, 30], y=[0.0, 0.2], **more)  # type: ignore[arg-type]


def test_a_figure_is_plain_json_and_its_colors_are_variables_of_the_page() -> None:
    figure = charts.lines([a_series()], charts.perennial())
    assert json.loads(json.dumps(figure))["data"][0]["line"]["color"] == "var(--c1)"


def test_a_band_stays_out_of_the_legend_and_the_hover() -> None:
    band = charts.lines([a_series(low=[0, 0.1], high=[0, 0.3])], charts.perennial())["data"][0]
    assert (band["showlegend"], band["hoverinfo"]) == (False, "skip")
    assert band["y"] == [0, 0.3, 0.1, 0]


def test_the_axis_of_bars_starts_at_zero() -> None:
    figure = charts.bars(a_series(), charts.perennial())
    assert figure["layout"]["yaxis"]["rangemode"] == "tozero"


def test_a_sparkline_needs_two_points() -> None:
    assert charts.spark([0.3]) is None
    assert charts.spark([None, 0.3]) is None


def test_a_flat_sparkline_runs_through_the_middle() -> None:
    drawn = charts.spark([1.0, 1.0])
    assert drawn
    assert drawn.line == "M0.0,18.0 220.0,18.0"


def test_a_sparkline_goes_up_when_the_number_does_and_its_band_is_closed() -> None:
    drawn = charts.spark([0.0, 1.0], [0.0, 0.5], [0.5, 1.0])
    assert drawn
    assert drawn.line == "M0.0,33.0 220.0,3.0"
    assert drawn.band.endswith("Z")
