"""Plotly figures as plain JSON, in one look for both themes, and small drawings as SVG paths.

Colors are roles (`c1`, `ink-2`, `line`): the page turns them into the CSS variables of its theme when it
mounts the figure, so one figure serves light and dark.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

# The order of the design language, safe for color-blind people.
COLORS = tuple(f"var(--c{n})" for n in range(1, 7))

Figure = dict[str, Any]


@dataclass(frozen=True)
class Series:
    """A line, with the interval around it where one exists."""

    name: str
    x: Sequence[Any]
    y: Sequence[float | None]
    low: Sequence[float | None] = ()
    high: Sequence[float | None] = ()


def perennial(*, y_title: str = "", y_format: str = "", x_suffix: str = "") -> Figure:
    """The layout that every chart shares: no box, a grid on y only, a short legend on top."""
    axis = {"showline": False, "zeroline": False, "tickfont": {"color": "var(--ink-2)"}}
    return {
        "font": {"family": "Inter, system-ui, sans-serif", "size": 12, "color": "var(--ink-2)"},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 56, "r": 12, "t": 30, "b": 36},
        "height": 260,
        # A finger that moves over a chart scrolls the page.
        "dragmode": False,
        "hovermode": "x unified",
        "hoverlabel": {
            "bgcolor": "var(--surface)",
            "bordercolor": "var(--line-2)",
            "font": {"color": "var(--ink)"},
        },
        "legend": {
            "orientation": "h",
            "x": 1,
            "xanchor": "right",
            "y": 1.16,
            "font": {"color": "var(--ink-2)"},
        },
        "xaxis": {**axis, "showgrid": False, "ticksuffix": x_suffix},
        "yaxis": {
            **axis,
            "gridcolor": "var(--line)",
            "rangemode": "tozero",
            "tickformat": y_format,
            "title": {"text": y_title},
        },
    }


def lines(series: Sequence[Series], layout: Figure, *, hover: str = "") -> Figure:
    """Lines with bands; the bands stay out of legend and hover."""
    traces: list[Figure] = []
    for color, one in zip(COLORS, series, strict=False):
        if one.low and one.high:
            traces.append(_band(one, color))
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": one.name,
                "x": list(one.x),
                "y": list(one.y),
                "line": {"color": color, "width": 2},
                "hovertemplate": hover,
            }
        )
    return {"data": traces, "layout": {**layout, "showlegend": len(series) > 1}}


def bars(series: Series, layout: Figure, *, color: int = 1, hover: str = "") -> Figure:
    """Bars; their axis starts at 0."""
    trace = {
        "type": "bar",
        "name": series.name,
        "x": list(series.x),
        "y": list(series.y),
        "marker": {"color": COLORS[color - 1]},
        "hovertemplate": hover,
    }
    return {"data": [trace], "layout": {**layout, "showlegend": False, "bargap": 0.25}}


def _band(one: Series, color: str) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines",
        "fill": "toself",
        "fillcolor": color,
        "opacity": 0.14,
        "x": [*one.x, *reversed(one.x)],
        "y": [*one.high, *reversed(one.low)],
        "line": {"width": 0},
        "showlegend": False,
        "hoverinfo": "skip",
        "name": one.name,
    }


@dataclass(frozen=True)
class Spark:
    """A sparkline as two SVG paths in a box of 220 by 36."""

    line: str
    band: str


def spark(
    values: Sequence[float | None], low: Sequence[float | None] = (), high: Sequence[float | None] = ()
) -> Spark | None:
    """The course of a number; None where there are not two points to join."""
    known = [i for i, value in enumerate(values) if value is not None]
    if len(known) < 2:
        return None
    lows = [_or(low, values, i) for i in known]
    highs = [_or(high, values, i) for i in known]
    middle = [float(values[i] or 0) for i in known]
    place = _scale(min(lows), max(highs))
    xs = [220 * step / (len(known) - 1) for step in range(len(known))]
    line = _path(zip(xs, map(place, middle), strict=True))
    if not low or not high:
        return Spark(line=line, band="")
    up = _path(zip(xs, map(place, highs), strict=True))
    down = _path(zip(reversed(xs), map(place, reversed(lows)), strict=True))
    return Spark(line=line, band=f"{up} L{down[1:]}Z")


def _or(bounds: Sequence[float | None], values: Sequence[float | None], i: int) -> float:
    bound = bounds[i] if bounds else None
    return float((values[i] if bound is None else bound) or 0)


def _scale(bottom: float, top: float) -> Callable[[float], float]:
    height = top - bottom
    return lambda value: 18.0 if height == 0 else 33 - 30 * (value - bottom) / height


def _path(points: Iterable[tuple[float, float]]) -> str:
    return "M" + " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
