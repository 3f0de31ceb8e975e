"""Charts as SVG: lines over axes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from vecmill.report.markup import Html, element, joined
from vecmill.report.scales import Scale, linear_ticks, log_ticks, short, widened

WIDTH, HEIGHT = 480, 300
LEFT, RIGHT, TOP, BOTTOM = 60, 14, 34, 46
# More dots than these would hide their line; they show up under the pointer instead.
DOTS_SHOWN = 40


class Point(NamedTuple):
    """A point of a line, and what the tooltip says of it."""

    x: float
    y: float
    tip: str


@dataclass(frozen=True)
class Axis:
    """What an axis shows and how; `low` and `high` widen it beyond the data."""

    label: str
    log: bool = False
    low: float | None = None
    high: float | None = None
    written: Callable[[float], str] = short
    whole: bool = False

    def scale(self, values: Sequence[float], start: float, end: float, air: float = 0.0) -> Scale:
        """The scale for `values`, drawn from `start` to `end`."""
        low, high = min(values), max(values)
        if air and not self.log:
            low, high = widened(low, high, air)
        low = low if self.low is None else self.low
        high = high if self.high is None else self.high
        return Scale(low, high, start, end, self.log)

    def ticks(self, scale: Scale) -> list[float]:
        """Where the axis has its ticks."""
        if scale.log:
            return log_ticks(scale.low, scale.high)
        ticks = linear_ticks(scale.low, scale.high)
        return [tick for tick in ticks if not self.whole or tick == int(tick)]


@dataclass(frozen=True)
class Line:
    """A line through points in their order; the `muted` one is there for comparison."""

    name: str
    points: Sequence[Point] = field(repr=False)
    muted: bool = False


def line_chart(title: str, says: str, x: Axis, y: Axis, lines: Sequence[Line]) -> Html:
    """A figure with its title, a legend where there are two lines, and axes with their labels.

    `says` tells in a sentence what there is to see, to those who read and those who listen. Points that
    cannot be drawn, such as the loss of a training that blew up, are left out; nothing is left of a
    chart without any.
    """
    lines = [
        replace(line, points=[p for p in line.points if _fits(x, p.x) and _fits(y, p.y)]) for line in lines
    ]
    lines = [line for line in lines if line.points]
    shown = [point for line in lines for point in line.points]
    if not shown:
        return Html("")
    across = x.scale([point.x for point in shown], LEFT, WIDTH - RIGHT)
    up = y.scale([point.y for point in shown], HEIGHT - BOTTOM, TOP, air=0.06)
    drawing = element(
        "svg",
        _grid(x, y, across, up),
        *(_drawn(line, across, up) for line in lines),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_label=f"{title}. {says}",
    )
    return figure(title, says, joined(_legend(lines) if len(lines) > 1 else "", drawing))


def figure(title: str, says: str, content: str) -> Html:
    """A chart with its title above and a sentence below."""
    return element(
        "figure", element("h3", title), content, element("figcaption", says) if says else "", class_="chart"
    )


def _fits(axis: Axis, value: float) -> bool:
    return math.isfinite(value) and (value > 0 or not axis.log)


def _grid(x: Axis, y: Axis, across: Scale, up: Scale) -> Html:
    parts: list[Html] = []
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    for tick in y.ticks(up):
        at = rounded(up(tick))
        parts.append(element("line", class_="grid", x1=LEFT, x2=right, y1=at, y2=at))
        parts.append(text("tick end", LEFT - 8, at + 4, y.written(tick)))
    for tick in x.ticks(across):
        at = rounded(across(tick))
        parts.append(element("line", class_="mark", x1=at, x2=at, y1=bottom, y2=bottom + 5))
        parts.append(text("tick middle", at, bottom + 20, x.written(tick)))
    parts.append(element("line", class_="axis", x1=LEFT, x2=right, y1=bottom, y2=bottom))
    parts.append(text("label", 0, 14, y.label))
    parts.append(text("label end", right, HEIGHT - 6, x.label))
    return joined(*parts)


def _drawn(line: Line, across: Scale, up: Scale) -> Html:
    places = [(rounded(across(p.x)), rounded(up(p.y)), p.tip) for p in line.points]
    path = "M" + "L".join(f"{x} {y}" for x, y, _ in places)
    if line.muted:
        return element("path", class_="line muted", d=path)
    hidden = len(places) > DOTS_SHOWN
    dots = (
        element("circle", class_="dot hidden" if hidden else "dot", cx=x, cy=y, r=3, data_tip=tip)
        for x, y, tip in places
    )
    return joined(element("path", class_="line", d=path), *dots)


def _legend(lines: Sequence[Line]) -> Html:
    items = (element("li", line.name, class_="muted" if line.muted else None) for line in lines)
    return element("ul", *items, class_="legend")


def text(class_: str, x: float, y: float, content: str) -> Html:
    """Words in the picture; `class_` says of what kind, and how they are anchored."""
    return element("text", content, class_=class_, x=x, y=y)


def rounded(value: float) -> float:
    """A coordinate with as many decimals as a screen can show."""
    return round(value, 1)
