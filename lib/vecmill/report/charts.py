"""Line charts as SVG."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from vecmill.report.markup import Html, element, joined
from vecmill.report.scales import Scale, format_short, linear_ticks, log_ticks, widened

WIDTH, HEIGHT = 480, 300
LEFT, RIGHT, TOP, BOTTOM = 60, 14, 34, 46
# More dots would hide their line; they appear under the pointer instead.
MAX_DOTS = 40


class Point(NamedTuple):
    """A point of a series, and the text of its tooltip."""

    x: float
    y: float
    tip: str


@dataclass(frozen=True)
class Axis:
    """An axis; `low` and `high` override the ends of the data, `whole` allows only integer ticks."""

    label: str
    log: bool = False
    low: float | None = None
    high: float | None = None
    format: Callable[[float], str] = format_short
    whole: bool = False

    def scale(self, values: Sequence[float], start: float, end: float, margin: float = 0.0) -> Scale:
        """The scale of `values` from `start` to `end` pixels; a linear axis gets a margin, a share."""
        low, high = min(values), max(values)
        if margin and not self.log:
            low, high = widened(low, high, margin)
        low = low if self.low is None else self.low
        high = high if self.high is None else self.high
        return Scale(low, high, start, end, self.log)

    def ticks(self, scale: Scale) -> list[float]:
        """The values that have ticks."""
        if scale.log:
            return log_ticks(scale.low, scale.high)
        ticks = linear_ticks(scale.low, scale.high)
        return [tick for tick in ticks if not self.whole or tick == int(tick)]


@dataclass(frozen=True)
class Series:
    """A line through points in their order; a `muted` one is for comparison."""

    name: str
    points: Sequence[Point] = field(repr=False)
    muted: bool = False


def line_chart(title: str, caption: str, x: Axis, y: Axis, all_series: Sequence[Series]) -> Html:
    """A figure with title, caption, axes and, for several series, a legend.

    The caption is also read by screen readers. Points that cannot be drawn, such as a NaN loss, are left
    out; a chart without points is empty.
    """
    all_series = [
        replace(series, points=[p for p in series.points if _fits(x, p.x) and _fits(y, p.y)])
        for series in all_series
    ]
    all_series = [series for series in all_series if series.points]
    points = [point for series in all_series for point in series.points]
    if not points:
        return Html("")
    across = x.scale([point.x for point in points], LEFT, WIDTH - RIGHT)
    up = y.scale([point.y for point in points], HEIGHT - BOTTOM, TOP, margin=0.06)
    drawing = element(
        "svg",
        _grid(x, y, across, up),
        *(_draw(series, across, up) for series in all_series),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_label=f"{title}. {caption}",
    )
    return figure(title, caption, joined(_legend(all_series) if len(all_series) > 1 else "", drawing))


def figure(title: str, caption: str, content: str) -> Html:
    """A chart with its title above and its caption below."""
    below = element("figcaption", caption) if caption else ""
    return element("figure", element("h3", title), content, below, class_="chart")


def _fits(axis: Axis, value: float) -> bool:
    return math.isfinite(value) and (value > 0 or not axis.log)


def _grid(x: Axis, y: Axis, across: Scale, up: Scale) -> Html:
    parts: list[Html] = []
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    for tick in y.ticks(up):
        at = rounded(up(tick))
        parts.append(element("line", class_="grid", x1=LEFT, x2=right, y1=at, y2=at))
        parts.append(text("tick end", LEFT - 8, at + 4, y.format(tick)))
    for tick in x.ticks(across):
        at = rounded(across(tick))
        parts.append(element("line", class_="mark", x1=at, x2=at, y1=bottom, y2=bottom + 5))
        parts.append(text("tick middle", at, bottom + 20, x.format(tick)))
    parts.append(element("line", class_="axis", x1=LEFT, x2=right, y1=bottom, y2=bottom))
    parts.append(text("label", 0, 14, y.label))
    parts.append(text("label end", right, HEIGHT - 6, x.label))
    return joined(*parts)


def _draw(series: Series, across: Scale, up: Scale) -> Html:
    places = [(rounded(across(p.x)), rounded(up(p.y)), p.tip) for p in series.points]
    path = "M" + "L".join(f"{x} {y}" for x, y, _ in places)
    if series.muted:
        return element("path", class_="line muted", d=path)
    hidden = len(places) > MAX_DOTS
    dots = (
        element("circle", class_="dot hidden" if hidden else "dot", cx=x, cy=y, r=3, data_tip=tip)
        for x, y, tip in places
    )
    return joined(element("path", class_="line", d=path), *dots)


def _legend(all_series: Sequence[Series]) -> Html:
    items = (element("li", some.name, class_="muted" if some.muted else None) for some in all_series)
    return element("ul", *items, class_="legend")


def text(class_: str, x: float, y: float, content: str) -> Html:
    """Text in a picture; `class_` gives its style and its anchor."""
    return element("text", content, class_=class_, x=x, y=y)


def rounded(value: float) -> float:
    """A coordinate, rounded to a tenth of a pixel."""
    return round(value, 1)
