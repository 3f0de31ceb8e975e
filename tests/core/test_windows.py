"""Windows against a plain definition, and the distributions of all random draws."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecmill.core.arrays import Ids, Places
from vecmill.core.rows import Rows, concatenate
from vecmill.core.sampling import alias_table
from vecmill.core.windows import block_tokens, blocks_of_texts, draw_rows

VOCABULARY_SIZE = 12

texts_of_ids = st.lists(st.lists(st.integers(0, VOCABULARY_SIZE - 1), max_size=15), min_size=1, max_size=6)


def flat(texts: Sequence[Sequence[int]]) -> tuple[Ids, Places]:
    ids = np.array([id_ for text in texts for id_ in text], np.int32)
    return ids, np.cumsum([len(text) for text in texts], dtype=np.int64)


def draw(
    texts: Sequence[Sequence[int]],
    *,
    window: int,
    negatives: int = 2,
    keep: npt.ArrayLike | None = None,
    noise: npt.ArrayLike | None = None,
    seed: int = 0,
) -> Rows:
    """Rows of `texts`. By default every token is kept, and all words are equally likely noise."""
    ids, ends = flat(texts)
    everything = np.ones(max(VOCABULARY_SIZE, int(ids.max(initial=0)) + 1))
    return concatenate(
        [
            *draw_rows(
                ids,
                ends,
                keep=np.asarray(everything if keep is None else keep, np.float32),
                noise=alias_table(np.asarray(everything if noise is None else noise, np.float64)),
                window=window,
                negatives=negatives,
                rng=np.random.default_rng(seed),
            )
        ]
    )


def positions(texts: Sequence[Sequence[int]]) -> Iterator[tuple[Sequence[int], int]]:
    """Every position of a text with at least two words: the text, and the position in it."""
    for text in texts:
        if len(text) > 1:
            for position in range(len(text)):
                yield text, position


def around(text: Sequence[int], position: int, radius: int) -> list[int]:
    """The other words at a distance of at most `radius`, in the order of the text."""
    return [
        word for other, word in enumerate(text) if other != position and abs(other - position) <= radius
    ]


def windows_of(rows: Rows) -> list[list[int]]:
    bounds = zip(rows.offsets[:-1].tolist(), rows.offsets[1:].tolist(), strict=True)
    return [rows.words[begin:end].tolist() for begin, end in bounds]


def assert_rows_of(rows: Rows, texts: Sequence[Sequence[int]], window: int) -> None:
    """Every position gives one row: its centre, and all words within some radius."""
    expected = list(positions(texts))
    assert rows.centers.tolist() == [text[position] for text, position in expected]
    for words, (text, position) in zip(windows_of(rows), expected, strict=True):
        assert words in [around(text, position, radius) for radius in range(1, window + 1)]


@given(texts_of_ids, st.integers(1, 20), st.integers(0, 2**32 - 1))
def test_a_row_has_all_words_within_some_radius_in_the_same_text(texts, window, seed):
    assert_rows_of(draw(texts, window=window, seed=seed), texts, window)


@given(
    texts_of_ids,
    st.lists(st.sampled_from([0.0, 1.0]), min_size=VOCABULARY_SIZE, max_size=VOCABULARY_SIZE),
    st.integers(1, 6),
    st.integers(0, 2**32 - 1),
)
def test_windows_reach_over_tokens_that_subsampling_dropped(texts, keep, window, seed):
    left = [[word for word in text if keep[word] == 1] for text in texts]

    assert_rows_of(draw(texts, window=window, keep=keep, seed=seed), left, window)


@given(texts_of_ids, st.integers(1, 6), st.integers(0, 5))
def test_rows_have_the_shapes_and_dtypes_that_kernels_require(texts, window, negatives):
    rows = draw(texts, window=window, negatives=negatives)

    count = len(list(positions(texts)))
    assert {array.dtype for array in rows} == {np.dtype(np.int32)}
    assert rows.centers.shape == (count,)
    assert rows.negatives.shape == (count, negatives)
    assert rows.offsets.shape == (count + 1,)
    assert rows.offsets[0] == 0
    assert rows.offsets[-1] == len(rows.words)


def test_a_window_of_one_is_both_neighbours():
    rows = draw([[1, 2, 3], [4], [5, 6]], window=1)

    assert rows.centers.tolist() == [1, 2, 3, 5, 6]
    assert windows_of(rows) == [[2], [1, 3], [2], [6], [5]]


def test_no_window_crosses_a_text():
    ends_of_texts = [[1, 1, 1, 1], [2, 2, 2], [], [3, 3]] * 50

    rows = draw(ends_of_texts, window=10)

    for center, words in zip(rows.centers.tolist(), windows_of(rows), strict=True):
        assert set(words) == {center}


@pytest.mark.parametrize("window", [1, 5, 126, 127, 300])
def test_the_radius_is_uniform_from_one_to_the_window(window):
    draws = 200 * window
    # Far from both ends of a text, a window has two words per unit of its radius.
    text = np.zeros(draws + 2 * window, np.int32).tolist()

    rows = draw([text], window=window, negatives=0)

    radius = np.diff(rows.offsets)[window:-window] // 2
    seen = np.bincount(radius, minlength=window + 1)
    assert seen[0] == 0
    assert len(seen) == window + 1
    chi_square = ((seen[1:] - 200) ** 2 / 200).sum()
    # Five standard deviations above the mean of chi-square with window - 1 degrees of freedom.
    assert chi_square <= window - 1 + 5 * np.sqrt(2 * (window - 1)) + 1e-9


def test_tokens_are_kept_with_their_words_probability():
    keep = np.array([0.1, 0.5, 0.9, 1.0])
    texts = [[0, 1, 2, 3] * 20_000]

    rows = draw(texts, window=1, keep=keep, noise=np.ones(4))

    kept = np.bincount(rows.centers, minlength=4) / 20_000
    # Five standard deviations of a share of 20,000 are at most .018.
    np.testing.assert_allclose(kept, keep, atol=0.018)
    assert kept[3] == 1


def test_noise_words_follow_their_distribution_for_every_centre():
    noise = np.array([1.0, 2, 3, 4])
    rows = draw([[0, 1, 2, 3] * 5_000], window=2, negatives=3, noise=noise)

    for center in range(4):
        drawn = rows.negatives[rows.centers == center]
        share = np.bincount(drawn.ravel(), minlength=4) / drawn.size
        # 15,000 draws per centre: five standard deviations are .02.
        np.testing.assert_allclose(share, noise / 10, atol=0.02)


def test_the_noise_words_of_a_row_are_drawn_independently():
    rows = draw([[0, 1] * 10_000], window=2, negatives=2, noise=np.ones(2), keep=np.ones(2))

    equal = (rows.negatives[:, 0] == rows.negatives[:, 1]).mean()
    # 20,000 rows, half of them equal by chance: five standard deviations are .018.
    assert abs(equal - 0.5) < 0.018


def test_the_same_seed_gives_the_same_rows_and_another_seed_other_rows():
    texts = [[1, 2, 3, 4, 5] * 40]

    first, again, other = (draw(texts, window=5, seed=seed) for seed in (3, 3, 4))

    assert all(np.array_equal(x, y) for x, y in zip(first, again, strict=True))
    assert not np.array_equal(first.negatives, other.negatives)
    assert not np.array_equal(first.offsets, other.offsets)


@pytest.mark.parametrize(
    ("window", "lengths", "negatives"),
    [
        (2, [2, 2, 4, 2, 4, 4, 2, 1, 2, 2, 1], [11, 7, 2, 5, 11, 10, 10, 4, 5, 8, 0]),
        (127, [6, 2, 7, 7, 7, 7, 7, 7, 2, 2, 2], [11, 10, 10, 4, 5, 8, 0, 6, 3, 10, 0]),
    ],
)
def test_the_rows_of_a_seed_stay_the_same_between_versions(window, lengths, negatives):
    """Runs are reproducible only if these rows never change."""
    keep, texts = np.linspace(0.3, 1, VOCABULARY_SIZE), [list(range(VOCABULARY_SIZE)), [9, 3, 8]]

    rows = draw(texts, window=window, negatives=1, keep=keep, seed=5)

    assert rows.centers.tolist() == [2, 4, 5, 6, 7, 9, 10, 11, 9, 3, 8]
    assert np.diff(rows.offsets).tolist() == lengths
    assert rows.negatives.ravel().tolist() == negatives


def test_a_word_with_probability_zero_is_never_kept():
    class Zeros:
        """The smallest numbers that a generator can draw."""

        def random(self, shape, dtype=np.float64):
            return np.zeros(shape, dtype)

        def integers(self, low, high, size, dtype):
            return np.full(size, low, dtype)

    ids, ends = flat([[0, 1, 2, 0, 1]])
    noise = alias_table(np.ones(3))

    [rows] = draw_rows(
        ids, ends, keep=np.float32([0, 1, 1]), noise=noise, window=1, negatives=1, rng=Zeros()
    )

    assert rows.centers.tolist() == [1, 2, 1]
    assert windows_of(rows) == [[2], [1, 1], [2]]


@st.composite
def texts_in_batches(
    draw: st.DrawFn,
) -> tuple[list[list[int]], list[tuple[Ids, Places]]]:
    """Texts with distinct words, and the same texts cut into batches at random."""
    lengths = draw(st.lists(st.integers(0, 9), max_size=15))
    texts = [[number] * length for number, length in enumerate(lengths)]
    cuts = sorted(draw(st.lists(st.integers(0, len(texts)), max_size=6)))
    bounds = zip([0, *cuts], [*cuts, len(texts)], strict=True)
    return texts, [flat(texts[begin:end]) for begin, end in bounds]


def texts_of(ids: Ids, ends: Places) -> list[list[int]]:
    return [part.tolist() for part in np.split(ids, ends[:-1])]


@given(texts_in_batches(), st.integers(1, 30))
def test_blocks_have_the_same_texts_for_any_batches(drawn, tokens):
    texts, batches = drawn

    found = [texts_of(*block) for block in blocks_of_texts(batches, tokens)]

    together = [text for block in found for text in block]
    assert [text for text in together if text] == [text for text in texts if text]
    assert found == [texts_of(*block) for block in blocks_of_texts([flat(texts)], tokens)]


@given(texts_in_batches(), st.integers(1, 30))
def test_a_block_ends_with_the_first_text_that_fills_it(drawn, tokens):
    _, batches = drawn

    found = [texts_of(*block) for block in blocks_of_texts(batches, tokens)]

    sizes = [[len(text) for text in block] for block in found]
    assert all(sum(block) >= tokens for block in sizes[:-1])
    assert all(sum(block[:-1]) < tokens for block in sizes)


def test_texts_left_over_from_a_batch_fill_the_next_block():
    batches = [flat([[1] * 3, [2] * 3, [3]]), flat([[4]]), flat([[5], [6]])]

    blocks = [texts_of(*block) for block in blocks_of_texts(batches, tokens=3)]

    assert blocks == [[[1] * 3], [[2] * 3], [[3], [4], [5]], [[6]]]


def test_a_block_is_returned_before_all_batches_are_read():
    def batches():
        yield flat([[1, 1], [2, 2]])
        pytest.fail("reads on although a block is full")

    ids, ends = next(blocks_of_texts(batches(), tokens=3))

    assert ids.tolist() == [1, 1, 2, 2]
    assert ends.tolist() == [2, 4]


@given(texts_of_ids, st.integers(1, 20), st.integers(1, 30))
def test_pieces_of_any_size_have_the_rows_of_the_whole_block(texts, window, piece_pairs):
    ids, ends = flat(texts)
    arguments = {
        "keep": np.full(VOCABULARY_SIZE, 0.8, np.float32),
        "noise": alias_table(np.ones(VOCABULARY_SIZE)),
        "window": window,
        "negatives": 2,
    }

    [whole] = draw_rows(ids, ends, **arguments, rng=np.random.default_rng(3))
    pieces = [*draw_rows(ids, ends, **arguments, rng=np.random.default_rng(3), piece_pairs=piece_pairs)]

    for got, expected in zip(concatenate(pieces), whole, strict=True):
        np.testing.assert_array_equal(got, expected)
        assert got.dtype == expected.dtype
    assert all(len(piece.words) <= piece_pairs or len(piece.centers) == 1 for piece in pieces)
    # A piece ends only if the next row does not fit.
    for piece, following in pairwise(pieces):
        assert len(piece.words) + following.offsets[1] > piece_pairs


@pytest.mark.parametrize(("texts", "length"), [(1, 50_000), (20_000, 3)])
def test_a_wide_window_takes_memory_for_what_it_makes_and_not_for_its_width(texts, length):
    ids = np.zeros(texts * length, np.int32)
    ends = np.arange(length, len(ids) + 1, length)
    tracemalloc.start()
    count = 0
    for rows in draw_rows(
        ids,
        ends,
        keep=np.ones(1, np.float32),
        noise=alias_table(np.ones(1)),
        window=1000,
        negatives=5,
        rng=np.random.default_rng(0),
        piece_pairs=1 << 16,
    ):
        count += len(rows.centers)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count == len(ids)
    assert peak < 200 * len(ids) + 40 * (1 << 16)


def test_a_block_has_fewer_tokens_if_each_draws_very_many_noise_words():
    assert [block_tokens(negatives) for negatives in (0, 5, 64, 128, 1000, 1 << 30)] == [
        1 << 17,
        1 << 17,
        1 << 17,
        1 << 16,
        8388,
        1,
    ]
