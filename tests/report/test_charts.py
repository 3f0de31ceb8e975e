from __future__ import annotations

import math
import re
from itertools import combinations

from vecmill.report import plane_chart as planes
from vecmill.report.charts import DOTS_SHOWN, Axis, Line, Point, line_chart
from vecmill.report.plane_chart import plane_chart


def chart(points, **axis):
    return line_chart("Loss", "It falls.", Axis("round"), Axis("loss", **axis), [Line("loss", points)])


def test_a_chart_has_a_title_labels_and_a_name_for_those_who_listen():
    drawn = chart([Point(1, 3.0, "first"), Point(2, 2.0, "second")])

    assert "<h3>Loss</h3>" in drawn
    assert 'role="img" aria-label="Loss. It falls."' in drawn
    assert ">round</text>" in drawn
    assert ">loss</text>" in drawn
    assert re.findall(r'data-tip="(\w+)"', drawn) == ["first", "second"]


def test_a_falling_line_falls_in_the_picture():
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


def test_the_dots_of_a_long_line_wait_for_the_pointer():
    few = chart([Point(n, n, "") for n in range(DOTS_SHOWN)])
    many = chart([Point(n, n, "") for n in range(DOTS_SHOWN + 1)])

    assert 'class="dot hidden"' not in few
    assert 'class="dot"' not in many


def test_lines_are_named_where_there_are_several():
    points = [Point(1, 1, ""), Point(2, 2, "")]
    one = line_chart("t", "", Axis("x"), Axis("y"), [Line("a", points)])
    two = line_chart("t", "", Axis("x"), Axis("y"), [Line("a", points), Line("b", points, muted=True)])

    assert "legend" not in one
    assert '<li>a</li><li class="muted">b</li>' in two


def test_words_in_a_plane_are_escaped():
    paths = [[("<b>&", 0.0, 0.0), ("near", 0.5, 0.0)], [("far", 1.0, 1.0), ("</svg>", 1.0, 0.0)]]

    drawn = plane_chart("Words", "", paths, (0.3, 0.2))

    assert "<b>" not in drawn
    assert drawn.count("</svg>") == 1
    assert [word for *_, word in labels(drawn)] == ["&lt;b&gt;&amp;", "near", "far", "&lt;/svg&gt;"]
    assert "first component, 30% of variance" in drawn
    assert drawn.count('class="step"') == 2


def test_the_labels_of_words_that_lie_close_do_not_cover_each_other():
    # Twelve units apart: two labels on the same side would meet.
    paths = [[("one", 0.0, 0.0), ("two", 0.0, 0.035)], [("three", 0.02, 0.07), ("far", 1.0, 0.0)]]

    boxes = [
        planes._label_box(word, anchor, float(x), float(y))
        for anchor, x, y, word in labels(plane_chart("Words", "", paths, (0.3, 0.2)))
    ]

    assert len(boxes) == 4
    assert all(planes._overlap(one, other) == 0 for one, other in combinations(boxes, 2))


def labels(drawn: str) -> list[tuple[str, str, str, str]]:
    """Anchor, x, y and word of every label."""
    return re.findall(r'<text class="word ?(\w*)" x="([\d.]+)" y="([\d.]+)">([^<]+)', drawn)
