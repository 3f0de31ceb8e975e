"""Scores agree with those of gensim on the same vectors and files."""

from __future__ import annotations

import numpy as np
import pytest
from gensim.models import KeyedVectors

from tests.evaluation.conftest import random_vectors, scores_by_name, write_vectors


@pytest.mark.parametrize("dummy", [False, True])
@pytest.mark.parametrize("sensitive", [False, True])
def test_word_pairs_have_the_same_correlations(evaluate, tmp_path, write_file, dummy, sensitive):
    rng = np.random.default_rng(1)
    vectors = write_vectors(tmp_path / "v.bin", random_vectors(2), "word2vec-binary")
    pairs = write_file(
        "pairs.tsv",
        "".join(
            f"{rng.choice(['w', 'W'])}{rng.integers(90)}\tw{rng.integers(90)}\t{rng.random():.3f}\n"
            for _ in range(60)
        ),
    )
    flags = [*(["--score-unknown"] if dummy else []), *(["--case-sensitive"] if sensitive else [])]

    score = scores_by_name(evaluate("--vectors", vectors, pairs, *flags))["pairs.tsv"]

    theirs = KeyedVectors.load_word2vec_format(vectors, binary=True)
    pearson, spearman, unknown = theirs.evaluate_word_pairs(
        pairs, dummy4unknown=dummy, case_insensitive=not sensitive
    )
    assert score["figures"]["Spearman"] == pytest.approx(spearman[0], abs=1e-6)
    assert score["figures"]["Pearson"] == pytest.approx(pearson[0], abs=1e-5)
    assert 100 * score["unknown"] / score["asked"] == pytest.approx(unknown)


@pytest.mark.parametrize("dummy", [False, True])
@pytest.mark.parametrize("sensitive", [False, True])
@pytest.mark.parametrize("restrict", [30, 200])
def test_analogies_have_the_same_share(evaluate, tmp_path, write_file, dummy, sensitive, restrict):
    # A grid has few distinct offsets, so that many answers are correct.
    grid = {f"w{8 * i + j}": [10 + i, 10 + j, 5 + (i * j) % 3] for i in range(8) for j in range(8)}
    vectors = write_vectors(tmp_path / "v.txt", grid | {"W0": [1, 2, 3]})
    rng = np.random.default_rng(3)
    lines = []
    for section in ("one", "two"):
        lines.append(f": {section}")
        for _ in range(40):
            i, j, di, dj = rng.integers(0, 5, 4)
            a, b, c = 8 * i + j, 8 * (i + di) + j, 8 * i + j + dj
            lines.append(
                f"w{a} W{b} w{c} w{8 * (i + di) + j + dj}"
                if rng.random() < 0.3
                else f"w{a} w{b} w{c} w{8 * (i + di) + j + dj}"
            )
    questions = write_file("q.txt", "\n".join(lines) + "\n")
    flags = [*(["--score-unknown"] if dummy else []), *(["--case-sensitive"] if sensitive else [])]

    scores = scores_by_name(evaluate("--vectors", vectors, questions, "--restrict", restrict, *flags))

    theirs = KeyedVectors.load_word2vec_format(vectors)
    share, sections = theirs.evaluate_word_analogies(
        questions, restrict_vocab=restrict, case_insensitive=not sensitive, dummy4unknown=dummy
    )
    assert 0 < share < 1
    assert scores["q.txt"]["score"] == pytest.approx(share)
    for section in sections[:-1]:
        right, wrong = len(section["correct"]), len(section["incorrect"])
        ours = scores[f"q.txt:{section['section']}"]
        assert ours["scored"] == right + wrong
        assert ours["score"] == pytest.approx(right / (right + wrong))
