"""From text to word vectors: one module per stage, and the engine that runs those that are not done."""

from __future__ import annotations

from vecmill.pipeline import evaluate, export, pairs, plan, texts, tokenize, train, vocabulary
from vecmill.pipeline.engine import Pipeline
from vecmill.pipeline.stage import OutsideInput
from vecmill.runs.run import Run

__all__ = ["PIPELINE", "OutsideInput", "execute"]

PIPELINE = Pipeline(
    [
        tokenize.STAGE,
        vocabulary.STAGE,
        plan.STAGE,
        texts.STAGE,
        pairs.STAGE,
        train.STAGE,
        export.STAGE,
        evaluate.STAGE,
    ]
)


def execute(run: Run, command: str) -> None:
    """Run the stages of a command that are not done, see `Pipeline.execute`."""
    PIPELINE.execute(run, command)
