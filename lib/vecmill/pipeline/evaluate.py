"""The stage evaluate: scores of vectors/ in test files, to evaluation.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vecmill.config import Config
from vecmill.errors import QualityError
from vecmill.evaluation import score_table, scores, word_tests
from vecmill.evaluation.score_table import EVALUATION, RunScores
from vecmill.evaluation.scores import Rules
from vecmill.evaluation.word_tests import WordTest
from vecmill.pipeline.stage import Stage
from vecmill.runs.run import Run
from vecmill.vectors import sources


def _run(run: Run) -> Mapping[str, Any]:
    """Raises QualityError if a score is below its floor."""
    settings = run.config.evaluate
    tests = word_tests.read_all(settings.files)
    rules = Rules(settings.restrict)
    vectors = sources.read_store(run.store, scores.words_to_read(tests, rules))
    found = scores.score_tests(tests, vectors, rules)
    content = score_table.to_json([RunScores(run.config.output.path, found)], rules)
    run.files.write_text(EVALUATION, score_table.json_text(content))
    for score in found:
        if not score.section or score.kind == "word-sets":
            run.say("evaluate", score_table.format_score(score))
    below = [
        f"{score.name} has {score_table.format_figure(score)}, below its floor of {floor:g}"
        for score in found
        if (floor := settings.floor(score.file, score.section)) is not None and not score.value >= floor
    ]
    if below:
        run.manifest.update("evaluate", state="below a floor", below=below)
        raise QualityError(f"{'; '.join(below)}; train longer or on more text, or lower evaluate.floors")
    whole = [score for score in found if not score.section]
    return {
        "files": len(tests),
        "asked": sum(score.asked for score in whole),
        "unknown": sum(score.unknown for score in whole),
        "scores": {score.name: scores.finite_or_none(score.value) for score in found},
    }


def _read_tests(config: Config) -> Sequence[WordTest]:
    """Raises InputError if a test file is faulty, ConfigError if a floor names no score."""
    tests = word_tests.read_all(config.evaluate.files)
    word_tests.check_floors(tests, config.evaluate.floors)
    return tests


STAGE = Stage(
    "evaluate",
    ("evaluate",),
    reads=("export",),
    settings=lambda config: config.evaluate.model_dump(),
    outside=lambda outside: [test.digest for test in outside.tests],
    read_tests=_read_tests,
    work=_run,
    outputs=lambda record: [EVALUATION],
    is_result=True,
    is_enabled=lambda config: bool(config.evaluate.files),
)
