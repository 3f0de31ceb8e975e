"""The page in a headless browser: search, zoom and hover on the map, and tooltips of charts."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.report import browser
from tests.report.browser import Browser, Page
from tests.report.conftest import write_run
from vecmill import report

EXECUTABLE = browser.find()

pytestmark = pytest.mark.skipif(
    EXECUTABLE is None, reason=f"needs a browser: {', '.join(browser.NAMES)}; none is installed"
)

# Few, so that no label covers another.
WORDS = ["king", "bread", "music", "mountain", "water", "war", "joy", "river"]

# Where the words are: the mean place at which the tooltip shows a word, from the centre of the canvas. The
# tooltip is taken out of the document meanwhile, because each of its changes would cost a layout.
LOCATE = """(() => {
  const canvas = document.getElementById("map-canvas");
  const tip = document.getElementById("tip");
  const box = canvas.getBoundingClientRect();
  const send = (type, x, y) => canvas.dispatchEvent(
    new PointerEvent(type, { clientX: box.x + x, clientY: box.y + y, pointerId: 99, bubbles: true })
  );
  const places = {};
  tip.remove();
  for (let x = 0; x < box.width; x += 8) {
    for (let y = 0; y < box.height; y += 8) {
      send("pointermove", x, y);
      if (!tip.hidden) (places[tip.firstChild.textContent] ??= []).push([x, y]);
    }
  }
  send("pointerleave", 0, 0);
  document.body.append(tip);
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return Object.fromEntries(Object.entries(places).map(([word, points]) => [word, [
    mean(points.map(([x]) => x)) - box.width / 2,
    mean(points.map(([, y]) => y)) - box.height / 2,
  ]]));
})()"""

Places = dict[str, tuple[float, float]]


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    assert EXECUTABLE is not None
    with Browser(EXECUTABLE, tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_run(tmp_path_factory.mktemp("report") / "run", WORDS)
    return Path(report.write(str(root)))


@pytest.fixture
def page(chromium: Browser, path: Path) -> Iterator[Page]:
    with chromium.page(path) as page:
        page.run("document.getElementById('map').scrollIntoView()")
        page.wait_for_frame()
        yield page
        assert page.problems() == []


def nearest_words(page: Page, word: str) -> list[str]:
    """The nearest words of `word` in the data of the map."""
    data = json.loads(page.text("#map-data"))
    return [data["words"][id_] for id_ in data["near"][data["words"].index(word)][::2]]


def locate(page: Page) -> Places:
    """The places of the words in view, in pixels from the centre of the map."""
    places = page.run(LOCATE)
    page.wait_for_frame()
    return {word: (x, y) for word, (x, y) in places.items()}


def centre(page: Page) -> tuple[float, float]:
    """The centre of the map in the window."""
    x, y = page.run(
        """(() => {
          const box = document.getElementById("map-canvas").getBoundingClientRect();
          return [box.x + box.width / 2, box.y + box.height / 2];
        })()"""
    )
    return x, y


def middle_word(places: Places) -> str:
    """The word nearest to the centre of the map, which stays in view when the map is enlarged."""
    return min(places, key=lambda word: math.hypot(*places[word]))


def look_up(page: Page, text: str) -> None:
    page.run("document.getElementById('lookup').value = ''")
    page.run("document.getElementById('lookup').focus()")
    page.type(text)


def test_every_word_is_on_the_map(page):
    assert set(locate(page)) == set(WORDS)


def test_hovering_shows_a_word_and_its_neighbours(page):
    x, y = centre(page)
    dx, dy = locate(page)["king"]

    page.move(x + dx, y + dy)

    assert page.run("document.getElementById('tip').hidden") is False
    lines = page.run("[...document.getElementById('tip').children].map((line) => line.textContent)")
    assert lines == ["king", ", ".join(nearest_words(page, "king")[:5])]

    page.move(x, 0)
    assert page.run("document.getElementById('tip').hidden") is True


def test_searching_a_word_lists_its_neighbours_and_moves_it_to_the_centre(page):
    assert math.hypot(*locate(page)["king"]) > 30

    look_up(page, "king")

    assert page.text("#lookup-status") == "Nearest to king:"
    assert page.text("#lookup-answers h3") == "king"
    words = page.run(
        "[...document.querySelectorAll('#lookup-answers .word')].map((word) => word.textContent)"
    )
    assert words == nearest_words(page, "king")
    assert locate(page)["king"] == pytest.approx((0, 0), abs=20)


def test_a_search_suggests_words_and_enter_takes_the_first(page):
    look_up(page, "MOUN")

    assert page.text("#lookup-status") == "mountain …"
    options = "[...document.querySelectorAll('#lookup-words option')].map((option) => option.value)"
    assert page.run(options) == ["mountain"]

    page.press("Enter")
    assert page.text("#lookup-status") == "Nearest to mountain:"


def test_a_search_for_an_unknown_word_says_so(page):
    look_up(page, "zebra")

    assert page.text("#lookup-status") == "Not among the 8 words on the map."
    assert page.text("#lookup-answers") == ""


def test_the_buttons_zoom_in_and_out_and_show_all(page):
    places = locate(page)
    word = middle_word(places)
    before = places[word]

    page.click_on("[data-map=in]")
    assert locate(page)[word] == pytest.approx(np.multiply(before, 1.6), abs=10)

    page.click_on("[data-map=out]")
    assert locate(page)[word] == pytest.approx(before, abs=10)

    for _ in range(3):
        page.click_on("[data-map=in]")
    assert len(locate(page)) < len(WORDS)
    page.click_on("[data-map=all]")
    assert locate(page)[word] == pytest.approx(before, abs=10)


def test_a_click_chooses_a_word_and_the_wheel_zooms_only_after_it(page):
    x, y = centre(page)
    places = locate(page)
    word = middle_word(places)
    dx, dy = before = places[word]

    page.mouse("mouseWheel", x, y, deltaX=0, deltaY=-120)
    page.run("document.getElementById('map').scrollIntoView()")
    assert locate(page)[word] == pytest.approx(before, abs=10)

    page.click(x + dx, y + dy)
    assert page.text("#lookup-status") == f"Nearest to {word}:"
    page.mouse("mouseWheel", x, y, deltaX=0, deltaY=-120)
    assert locate(page)[word] == pytest.approx(np.multiply(before, math.exp(0.4)), abs=10)


def test_dragging_moves_the_map(page):
    x, y = centre(page)
    places = locate(page)
    word = middle_word(places)
    dx, dy = places[word]

    # From a corner, where there is no word to choose.
    page.mouse("mousePressed", x - 200, y - 150, button="left", clickCount=1)
    page.mouse("mouseMoved", x - 160, y - 120, button="left")
    page.mouse("mouseReleased", x - 160, y - 120, button="left", clickCount=1)

    assert locate(page)[word] == pytest.approx((dx + 40, dy + 30), abs=10)
    assert page.text("#lookup-status") == ""


def test_keys_move_and_zoom_the_map(page):
    places = locate(page)
    word = middle_word(places)
    dx, dy = before = places[word]
    page.run("document.getElementById('map-canvas').focus({ preventScroll: true })")

    page.press("ArrowLeft")
    assert locate(page)[word] == pytest.approx((dx + 60, dy), abs=10)
    page.press("0")
    assert locate(page)[word] == pytest.approx(before, abs=10)
    page.press("+")
    assert locate(page)[word] == pytest.approx(np.multiply(before, 1.4), abs=10)


def test_a_word_of_another_section_is_a_link_to_the_map(page):
    page.click_on("#neighbours [data-word=river]")

    assert page.text("#lookup-status") == "Nearest to river:"
    assert locate(page)["river"] == pytest.approx((0, 0), abs=20)


def test_a_dot_of_a_chart_shows_its_tooltip(page):
    page.run("document.querySelector('#training svg').scrollIntoView({ block: 'center' })")
    x, y = page.run(
        """(() => {
          const box = document.querySelector("#training svg [data-tip]").getBoundingClientRect();
          return [box.x + box.width / 2, box.y + box.height / 2];
        })()"""
    )

    page.move(x + 2, y - 2)

    assert page.text("#tip") == "round 1 · loss 2.9000"


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_its_window(chromium, path, width, dark):
    with chromium.page(path, width=width, dark=dark) as page:
        root = "document.documentElement"
        assert page.run(f"{root}.scrollWidth - {root}.clientWidth") == 0
        background = page.run("getComputedStyle(document.body).backgroundColor")
        lightness = np.mean([int(part) for part in background.strip("rgb()").split(",")[:3]])
        assert (lightness < 100) == dark
        assert page.problems() == []
