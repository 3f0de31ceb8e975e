"""One trainer on a file of tokens, as a program that `tests.bench.compare` measures.

Trainers of other libraries, and vecmill's kernels without Spark and without files.

    python -m tests.bench.peers gensim TOKENS VECTORS.bin --workers 2

TOKENS is text with words separated by spaces. All train 100 dimensions, window 5 and 5 epochs on words seen
5 times or more, with seed 1, from a learning rate of 0.025. gensim and vecmill use 5 negatives; MLlib has
only hierarchical softmax. The last line printed is JSON: the CPU seconds of training alone, if they can be
separated, and the words per epoch.
"""

from __future__ import annotations

import argparse
import json
import time
from functools import partial
from pathlib import Path

import numpy as np

from vecmill.core.arrays import Floats

DIM, WINDOW, NEGATIVES, EPOCHS, MIN_COUNT, RATE, SEED = 100, 5, 5, 5, 5, 0.025, 1


def gensim(tokens: Path, vectors: Path, workers: int) -> dict[str, float]:
    """Gensim with `corpus_file`, which it reads in C: its fastest way."""
    from gensim.models import Word2Vec

    model = Word2Vec(
        vector_size=DIM,
        window=WINDOW,
        sg=1,
        negative=NEGATIVES,
        min_count=MIN_COUNT,
        alpha=RATE,
        workers=workers,
        seed=SEED,
    )
    model.build_vocab(corpus_file=str(tokens))
    started = time.process_time()
    model.train(
        corpus_file=str(tokens),
        total_words=model.corpus_total_words,
        total_examples=model.corpus_count,
        epochs=EPOCHS,
    )
    cpu = time.process_time() - started
    model.wv.save_word2vec_format(vectors, binary=True)
    words = sum(model.wv.get_vecattr(word, "count") for word in model.wv.index_to_key)
    return {"train_cpu_seconds": cpu, "words": int(words)}


def mllib(tokens: Path, vectors: Path, workers: int) -> dict[str, float]:
    """Spark MLlib with one partition per core; it averages the partitions once per epoch."""
    from pyspark.ml.feature import Word2Vec
    from pyspark.sql import functions as F

    from vecmill.spark import session

    spark = session.build({"spark.master": f"local[{workers}]", "spark.driver.memory": "6g"})
    text = spark.read.text(str(tokens)).select(F.split("value", " ").alias("tokens"))
    trainer = Word2Vec(
        vectorSize=DIM,
        windowSize=WINDOW,
        minCount=MIN_COUNT,
        numPartitions=workers,
        stepSize=RATE,
        maxIter=EPOCHS,
        seed=SEED,
        inputCol="tokens",
        outputCol="vector",
    )
    learnt = trainer.fit(text).getVectors()
    counts = text.select(F.explode("tokens").alias("word")).groupBy("word").count()
    rows = learnt.join(counts, "word").orderBy(F.desc("count"), "word").toPandas()
    spark.stop()
    write(vectors, list(rows["word"]), np.stack([vector.toArray() for vector in rows["vector"]]))
    return {"words": int(rows["count"].sum())}


def kernel(tokens: Path, vectors: Path, workers: int, *, name: str) -> dict[str, float]:
    """A kernel of vecmill on pairs drawn in the same process; the CPU is that of the kernel alone."""
    from tests.bench import corpus, strategies

    setting = strategies.Setting("averaging", "", shards=1, slices=1, rate=RATE, seed=SEED)
    dealt = corpus.encode(tokens, MIN_COUNT).deal(1, 1, SEED, setting.subsample, holdout=0.0)
    trained = strategies.train(dealt, setting, name)
    write(vectors, dealt.vocabulary.words, trained.vectors)
    return {"train_cpu_seconds": trained.kernel_seconds, "words": sum(dealt.words_of.values())}


def write(target: Path, words: list[str], table: Floats) -> None:
    from gensim.models import KeyedVectors

    found = KeyedVectors(table.shape[1])
    found.add_vectors(words, table)
    found.save_word2vec_format(target, binary=True)


PEERS = {
    "gensim": gensim,
    "mllib": mllib,
    "numba": partial(kernel, name="numba"),
    "numpy": partial(kernel, name="numpy"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("tokens", type=Path)
    parser.add_argument("vectors", type=Path)
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    report = PEERS[arguments.peer](arguments.tokens, arguments.vectors, arguments.workers)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
