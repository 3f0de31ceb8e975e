"""The stage export: the last checkpoint to vectors/, and to files of several formats in exports/."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vecmill.evaluation.score_table import EVALUATION
from vecmill.pipeline.stage import Stage
from vecmill.runs.run import Run
from vecmill.spark.session import LARGE_ROWS, using
from vecmill.storage import checkpoints
from vecmill.storage.schemas import BLOCKS, VECTORS, VOCABULARY
from vecmill.vectors import exports
from vecmill.vectors.from_tables import word_vectors


def _run(run: Run) -> Mapping[str, Any]:
    """Write vectors/ by tasks, then the files of all formats on the driver."""
    last, model = int(run.manifest.stage("train")["round"]), run.model
    with using(run.spark, LARGE_ROWS):
        vectors = word_vectors(
            run.store.frame(checkpoints.name(last), BLOCKS),
            run.store.frame("vocabulary", VOCABULARY),
            tables=model.vector_tables,
            compose=model.vectors,
            bounds=checkpoints.bounds(run.store, last, model.vector_tables[0]),
        )
        staged = run.store.stage([vectors], "vectors", VECTORS)
    run.store.publish(staged, "vectors")
    dim = run.config.train.dim
    files = exports.write_all(run.store, staged.rows, dim, lambda text: run.say("export", text))
    # Its scores are of the previous vectors.
    run.files.delete(EVALUATION)
    return {"words": staged.rows, "dim": dim, "files": files}


STAGE = Stage(
    "export",
    ("export",),
    reads=("train",),
    needs=lambda config: ("vocabulary",),
    settings=lambda config: {},
    work=_run,
    outputs=lambda record: ["vectors", "exports"],
    is_result=True,
)
