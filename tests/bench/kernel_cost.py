"""What the NumPy kernel costs: microseconds of CPU a row and a corpus word, on synthetic text.

The words follow Zipf's law (Mandelbrot's shift 2.7) and are subsampled and windowed as word2vec.c
does, so that neighbouring rows share words as in real text. Drawing the rows is not part of the
kernel's figure; gensim (--gensim) draws its pairs as it trains, and its vocabulary is not counted.

For one core set OPENBLAS_NUM_THREADS=1 (or your BLAS's own variable) before the start.
"""

from __future__ import annotations

import argparse
import os
import platform
import time

import numpy as np
import numpy.typing as npt

from vecmill.core.rows import Ids, Rows
from vecmill.core.sgns import ROWS_PER_STEP, initialise, update

SUBSAMPLE = 1e-3
NOISE_EXPONENT = 0.75
LEARNING_RATE = 0.025

Probabilities = npt.NDArray[np.float64]


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    p.add_argument("--words", type=int, default=1_000_000, help="corpus words")
    p.add_argument("--vocabulary", type=int, default=70_000)
    p.add_argument("--dim", type=int, default=100)
    p.add_argument("--window", type=int, default=5)
    p.add_argument("--negatives", type=int, default=5)
    p.add_argument("--rows-per-step", type=int, nargs="+", default=[ROWS_PER_STEP])
    p.add_argument("--repeats", type=int, default=3, help="the best of so many is told")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--gensim", action="store_true", help="train gensim's Word2Vec on the same text")
    return p


def zipf(vocabulary_size: int) -> Probabilities:
    weights: Probabilities = 1 / (np.arange(vocabulary_size, dtype=np.float64) + 2.7)
    weights /= weights.sum()
    return weights


def draw_rows(
    text: Ids, frequencies: Probabilities, window: int, negatives: int, rng: np.random.Generator
) -> Rows:
    """Rows of the subsampled text, each with a radius uniform on 1..window."""
    keep = np.sqrt(SUBSAMPLE / frequencies) + SUBSAMPLE / frequencies
    kept = text[rng.random(len(text)) < keep[text]]
    radius = rng.integers(1, window + 1, len(kept))
    distance = np.concatenate([np.arange(-window, 0), np.arange(1, window + 1)])
    place = np.arange(len(kept))[:, None] + distance
    inside = (np.abs(distance) <= radius[:, None]) & (place >= 0) & (place < len(kept))
    noise = frequencies**NOISE_EXPONENT
    drawn = rng.choice(len(frequencies), (len(kept), negatives), p=noise / noise.sum())
    offsets = np.concatenate([[0], np.cumsum(inside.sum(axis=1))])
    return Rows(kept, offsets.astype(np.int32), kept[place[inside]], drawn.astype(np.int32))


def kernel_seconds(rows: Rows, vocabulary_size: int, dim: int, rows_per_step: int, seed: int) -> float:
    W, C = initialise(vocabulary_size, dim, np.random.default_rng(seed))
    rates = np.full(len(rows.centers), LEARNING_RATE, np.float32)
    start = time.process_time()
    update(W, C, rows, rates, rows_per_step=rows_per_step)
    return time.process_time() - start


def gensim_seconds(text: Ids, dim: int, window: int, negatives: int, seed: int) -> float:
    from gensim.models import Word2Vec  # type: ignore[import-untyped]

    sentences = [list(map(str, part.tolist())) for part in np.array_split(text, -(-len(text) // 1000))]
    model = Word2Vec(
        vector_size=dim,
        window=window,
        negative=negatives,
        sample=SUBSAMPLE,
        ns_exponent=NOISE_EXPONENT,
        alpha=LEARNING_RATE,
        sg=1,
        hs=0,
        min_count=1,
        workers=1,
        seed=seed,
    )
    model.build_vocab(sentences)
    start = time.process_time()
    model.train(sentences, total_examples=model.corpus_count, epochs=1)
    return time.process_time() - start


def tell(name: str, seconds: float, n_rows: int, n_words: int) -> None:
    a_row, a_word = seconds / n_rows * 1e6, seconds / n_words * 1e6
    print(f"{name:24s} {a_row:6.2f} us of CPU a row, {a_word:6.2f} a corpus word")


def main() -> None:
    args = parser().parse_args()
    rng = np.random.default_rng(args.seed)
    frequencies = zipf(args.vocabulary)
    text = rng.choice(args.vocabulary, args.words, p=frequencies).astype(np.int32)
    rows = draw_rows(text, frequencies, args.window, args.negatives, rng)
    n_rows = len(rows.centers)

    print(f"machine  {platform.processor() or platform.machine()}, {os.cpu_count()} cores")
    print(f"versions Python {platform.python_version()}, NumPy {np.__version__}")
    print("sizes    " + ", ".join(f"{name} {value}" for name, value in vars(args).items()))
    words_a_row = len(rows.words) / n_rows
    print(f"rows     {n_rows / args.words:.3f} a corpus word, {words_a_row:.2f} words a row")
    for rows_per_step in args.rows_per_step:
        seconds = min(
            kernel_seconds(rows, args.vocabulary, args.dim, rows_per_step, args.seed)
            for _ in range(args.repeats)
        )
        tell(f"numpy, {rows_per_step} rows a step", seconds, n_rows, args.words)
    if args.gensim:
        seconds = min(
            gensim_seconds(text, args.dim, args.window, args.negatives, args.seed)
            for _ in range(args.repeats)
        )
        tell("gensim", seconds, n_rows, args.words)


if __name__ == "__main__":
    main()
