"""Words in a plane as SVG, those of a family joined and their labels kept apart."""

from __future__ import annotations

from collections.abc import Sequence

from vecmill.report.charts import WIDTH, figure, rounded, text
from vecmill.report.markup import Html, element
from vecmill.report.scales import Scale, percent

HEIGHT = 380
# The label of a phone's reader is larger in the picture's own units; room is kept for that one.
LABEL_HEIGHT, LETTER_WIDTH = 15.0, 7.6
# Where a label may stand about its point: right, left, above, below, then the corners.
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
# The share of a label that lies to the left of where it is anchored.
LEFT_OF_ANCHOR = {"": 0.0, "middle": 0.5, "end": 1.0}

Path = Sequence[tuple[str, float, float]]
Box = tuple[float, float, float, float]


def plane_chart(title: str, says: str, paths: Sequence[Path], shares: tuple[float, float]) -> Html:
    """Words in a plane, those of a path joined in its order; `shares` of variance name the axes."""
    points = [point for path in paths for point in path]
    across, up = _one_scale([p[1] for p in points], [p[2] for p in points])
    places = [(word, rounded(across(x)), rounded(up(y))) for word, x, y in points]
    lines, start = [], 0
    for path in paths:
        here = places[start : start + len(path)]
        lines.append(element("path", class_="step", d="M" + "L".join(f"{x} {y}" for _, x, y in here)))
        start += len(path)
    ends = set(_lasts(paths))
    dots = (
        element("circle", class_="dot last" if n in ends else "dot", cx=x, cy=y, r=3.5, data_tip=word)
        for n, (word, x, y) in enumerate(places)
    )
    first, second = shares
    drawing = element(
        "svg",
        *lines,
        *dots,
        *_labels(places),
        text("label", 0, 14, f"↑ second component, {percent(second)} of variance"),
        text("label end", WIDTH, HEIGHT - 6, f"first component, {percent(first)} of variance →"),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_label=f"{title}. {says}",
    )
    return figure(title, says, drawing)


def _lasts(paths: Sequence[Path]) -> list[int]:
    lasts, count = [], 0
    for path in paths:
        count += len(path)
        lasts.append(count - 1)
    return lasts


def _one_scale(xs: Sequence[float], ys: Sequence[float]) -> tuple[Scale, Scale]:
    """Scales of one unit for both axes, so that angles and lengths can be compared."""
    wide, high = WIDTH - 120, HEIGHT - 90
    unit = max((max(xs) - min(xs)) / wide, (max(ys) - min(ys)) / high) or 1.0
    (x, y) = ((max(xs) + min(xs)) / 2, (max(ys) + min(ys)) / 2)
    return (
        Scale(x - unit * wide / 2, x + unit * wide / 2, 60, WIDTH - 60),
        Scale(y - unit * high / 2, y + unit * high / 2, HEIGHT - 45, 45),
    )


def _labels(places: Sequence[tuple[str, float, float]]) -> list[Html]:
    """Each word beside its point, where it covers no other word or point if there is such a place."""
    taken: list[Box] = [(x - 5, y - 5, x + 5, y + 5) for _, x, y in places]
    labels = []
    for word, x, y in places:
        choices = [(_label_box(word, anchor, x + dx, y + dy), anchor, dx, dy) for anchor, dx, dy in ANCHORS]
        box, anchor, dx, dy = min(choices, key=lambda choice: _covered(choice[0], taken))
        taken.append(box)
        labels.append(text(f"word {anchor}".rstrip(), rounded(x + dx), rounded(y + dy), word))
    return labels


def _label_box(word: str, anchor: str, x: float, y: float) -> Box:
    width = LETTER_WIDTH * len(word)
    left = x - LEFT_OF_ANCHOR[anchor] * width
    return left, y - LABEL_HEIGHT + 4, left + width, y + 4


def _covered(box: Box, taken: Sequence[Box]) -> float:
    """How much of `taken`, and of what lies outside the picture, a label in `box` would cover."""
    outside = max(-box[0], 0) + max(box[2] - WIDTH, 0)
    return outside * LABEL_HEIGHT + sum(_overlap(box, other) for other in taken)


def _overlap(one: Box, other: Box) -> float:
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return max(wide, 0) * max(high, 0)
