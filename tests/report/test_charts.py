from __future__ import annotations

import math
import re
from itertools import combinations

from vecmill.report import plane_chart
from vecmill.report.charts import MAX_DOTS, Axis, Point, Series, line_chart


def chart(points, **axis):
    return line_chart("Loss", "It falls.", Axis("round"), Axis("loss", **axis), [Series("loss", points)])


def test_a_chart_has_a_title_labels_and_a_text_for_screen_readers():
    drawn = chart([Point(1, 3.0, "first"), Point(2, 2.0, "second")])

    assert "<h3>Loss</h3>" in drawn
    assert 'role="img" aria-label="Loss. It falls."' in drawn
    assert ">round</text>" in drawn
    assert ">loss</text>" in drawn
    assert re.findall(r'data-tip="(\w+)"', drawn) == ["first", "second"]


def test_smaller_values_are_lower_in_the_picture():
    drawn = chart([Point(1, 3.0, ""), Point(2, 2.0, "")])

    (path,) = re.findall(r'd="M([\d. L]+)"', drawn)
    (x1, y1), (x2, y2) = ([float(n) for n in point.split()] for point in path.split("L"))
    assert x1 < x2
    assert y1 < y2


def test_points_that_cannot_be_drawn_are_left_out():
    drawn = chart([Point(1, 3.0, "a"), Point(2, math.nan, "b"), Point(3, math.inf, "c")])

    assert re.findall(r'data-tip="(\w+)"', drawn) == ["a"]
    assert "nan" not in drawn
    assert chart([Point(1, math.nan, "")]) == ""
    assert chart([Point(1, 0.0, "")], log=True) == ""


def test_the_dots_of_a_long_series_are_hidden():
    few = chart([Point(n, n, "") for n in range(MAX_DOTS)])
    many = chart([Point(n, n, "") for n in range(MAX_DOTS + 1)])

    assert 'class="dot hidden"' not in few
    assert 'class="dot"' not in many


def test_several_series_have_a_legend():
    points = [Point(1, 1, ""), Point(2, 2, "")]
    one = line_chart("t", "", Axis("x"), Axis("y"), [Series("a", points)])
    two = line_chart("t", "", Axis("x"), Axis("y"), [Series("a", points), Series("b", points, muted=True)])

    assert "legend" not in one
    assert '<li>a</li><li class="muted">b</li>' in two


def test_words_in_a_plane_are_escaped():
    paths = [[("<b>&", 0.0, 0.0), ("near", 0.5, 0.0)], [("far", 1.0, 1.0), ("</svg>", 1.0, 0.0)]]

    drawn = plane_chart.plane_chart("Words", "", paths, (0.3, 0.2))

    assert "<b>" not in drawn
    assert drawn.count("</svg>") == 1
    assert [word for *_, word in labels(drawn)] == ["&lt;b&gt;&amp;", "near", "far", "&lt;/svg&gt;"]
    assert "first component, 30% of variance" in drawn
    assert drawn.count('class="step"') == 2


def test_labels_of_close_words_do_not_overlap():
    # Twelve pixels apart: two labels on the same side would overlap.
    paths = [[("one", 0.0, 0.0), ("two", 0.0, 0.035)], [("three", 0.02, 0.07), ("far", 1.0, 0.0)]]

    boxes = [
        plane_chart._label_box(word, anchor, float(x), float(y))
        for anchor, x, y, word in labels(plane_chart.plane_chart("Words", "", paths, (0.3, 0.2)))
    ]

    assert len(boxes) == 4
    assert all(plane_chart._overlap(one, other) == 0 for one, other in combinations(boxes, 2))


def labels(drawn: str) -> list[tuple[str, str, str, str]]:
    """Anchor, x, y and word of each label."""
    return re.findall(r'<text class="word ?(\w*)" x="([\d.]+)" y="([\d.]+)">([^<]+)', drawn)
