"""Words in a plane as SVG, with lines through the words of each family and labels that do not overlap."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from vecmill.report.charts import WIDTH, figure, rounded, text
from vecmill.report.markup import Html, element
from vecmill.report.scales import Scale, format_percent

HEIGHT = 380
# Space per label. On a phone the picture shrinks and its labels do not; this is enough there too.
LABEL_HEIGHT, LETTER_WIDTH = 15.0, 7.6
# Anchor and offset of a label to its point: right, left, above, below, then the corners.
ANCHORS = (
    ("", 8, 4),
    ("end", -8, 4),
    ("middle", 0, -9),
    ("middle", 0, 18),
    ("", 7, -6),
    ("end", -7, -6),
    ("", 7, 15),
    ("end", -7, 15),
)
# The share of a label to the left of its anchor.
LEFT_OF_ANCHOR = {"": 0.0, "middle": 0.5, "end": 1.0}

Path = Sequence[tuple[str, float, float]]
Box = tuple[float, float, float, float]


def plane_chart(title: str, caption: str, paths: Sequence[Path], shares: tuple[float, float]) -> Html:
    """Words in a plane, with a line through the words of each path; `shares` are the axes' variances."""
    points = [point for path in paths for point in path]
    across, up = _equal_scales([p[1] for p in points], [p[2] for p in points])
    places = [(word, rounded(across(x)), rounded(up(y))) for word, x, y in points]
    lines, start = [], 0
    for path in paths:
        points_of_path = places[start : start + len(path)]
        line = "M" + "L".join(f"{x} {y}" for _, x, y in points_of_path)
        lines.append(element("path", class_="step", d=line))
        start += len(path)
    last_points = set(_last_points(paths))
    dots = (
        element(
            "circle", class_="dot last" if n in last_points else "dot", cx=x, cy=y, r=3.5, data_tip=word
        )
        for n, (word, x, y) in enumerate(places)
    )
    first, second = shares
    drawing = element(
        "svg",
        *lines,
        *dots,
        *_labels(places),
        text("label", 0, 14, f"↑ second component, {format_percent(second)} of variance"),
        text("label end", WIDTH, HEIGHT - 6, f"first component, {format_percent(first)} of variance →"),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_label=f"{title}. {caption}",
    )
    return figure(title, caption, drawing)


def _last_points(paths: Sequence[Path]) -> list[int]:
    """The indices of the last points of the paths, which lie one after another in a list."""
    return [count - 1 for count in accumulate(len(path) for path in paths)]


def _equal_scales(xs: Sequence[float], ys: Sequence[float]) -> tuple[Scale, Scale]:
    """Scales with the same unit for both axes, so that angles and lengths can be compared."""
    wide, high = WIDTH - 120, HEIGHT - 90
    unit = max((max(xs) - min(xs)) / wide, (max(ys) - min(ys)) / high) or 1.0
    (x, y) = ((max(xs) + min(xs)) / 2, (max(ys) + min(ys)) / 2)
    return (
        Scale(x - unit * wide / 2, x + unit * wide / 2, 60, WIDTH - 60),
        Scale(y - unit * high / 2, y + unit * high / 2, HEIGHT - 45, 45),
    )


def _labels(places: Sequence[tuple[str, float, float]]) -> list[Html]:
    """The words next to their points, where they cover the least of other words and points."""
    occupied: list[Box] = [(x - 5, y - 5, x + 5, y + 5) for _, x, y in places]
    labels = []
    for word, x, y in places:
        choices = [(_label_box(word, anchor, x + dx, y + dy), anchor, dx, dy) for anchor, dx, dy in ANCHORS]
        box, anchor, dx, dy = min(choices, key=lambda choice: _covered(choice[0], occupied))
        occupied.append(box)
        labels.append(text(f"word {anchor}".rstrip(), rounded(x + dx), rounded(y + dy), word))
    return labels


def _label_box(word: str, anchor: str, x: float, y: float) -> Box:
    width = LETTER_WIDTH * len(word)
    left = x - LEFT_OF_ANCHOR[anchor] * width
    return left, y - LABEL_HEIGHT + 4, left + width, y + 4


def _covered(box: Box, occupied: Sequence[Box]) -> float:
    """The area of `occupied`, and of the outside of the picture, that a label in `box` would cover."""
    outside = max(-box[0], 0) + max(box[2] - WIDTH, 0)
    return outside * LABEL_HEIGHT + sum(_overlap(box, other) for other in occupied)


def _overlap(one: Box, other: Box) -> float:
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return max(wide, 0) * max(high, 0)
