"""`vecmill evaluate`: score word vectors in test files."""

from __future__ import annotations

import argparse
from pathlib import Path

from vecmill.commands.arguments import VECTORS_HELP, positive_integer
from vecmill.commands.command import Command
from vecmill.commands.stages import opened_run
from vecmill.errors import ConfigError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the test files and how to score them."""
    parser.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="test file: rated word pairs, analogies, odd one out, categories, or word sets for WEAT in "
        "JSON; without files and without options other than --json, run the stage with evaluate.files",
    )
    parser.add_argument(
        "--vectors",
        "--also",
        action="append",
        default=[],
        metavar="FILE",
        help=f"{VECTORS_HELP}; may be repeated, also beside a run: figures become mean, standard deviation "
        "and range",
    )
    parser.add_argument(
        "--restrict",
        type=positive_integer,
        metavar="N",
        help="answer analogies from the N most frequent words (default: evaluate.restrict)",
    )
    parser.add_argument("--case-sensitive", action="store_true", help="keep 'Apple' and 'apple' apart")
    parser.add_argument(
        "--score-unknown",
        action="store_true",
        help="count questions with an unknown word as wrong (gensim's dummy4unknown)",
    )
    parser.add_argument(
        "--bias", action="store_true", help="find the gender direction and the words furthest along it"
    )
    parser.add_argument(
        "--json", metavar="FILE", help="also write the scores as JSON; - prints JSON instead of the table"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the scores as a table or as JSON."""
    from vecmill.commands import scoring
    from vecmill.evaluation import score_table

    if runs_stage(arguments):
        with opened_run(arguments) as run:
            content, lines = scoring.run_stage(run)
    else:
        content, lines = scoring.score(arguments)
    if arguments.json == "-":
        print(score_table.json_text(content), end="")
        return 0
    if arguments.json:
        write_json(score_table.json_text(content), Path(arguments.json))
    for line in lines:
        print(line)
    return 0


def runs_stage(arguments: argparse.Namespace) -> bool:
    """Whether the arguments name nothing to score, so that the stage of the pipeline runs."""
    names_vectors = arguments.files or arguments.vectors or arguments.bias
    return not (names_vectors or arguments.restrict or arguments.case_sensitive or arguments.score_unknown)


def write_json(text: str, path: Path) -> None:
    """Write the scores to `path`. Raises ConfigError if that fails."""
    from vecmill import atomic

    try:
        # `atomic` would create the folder of a mistyped path.
        path.parent.resolve(strict=True)
        if path.is_symlink() or (path.exists() and not path.is_file()):
            # A link, a pipe or a device such as /dev/stdout must not be replaced by a file.
            path.write_text(text, encoding="utf-8")
        else:
            atomic.write_text(path, text)
    except OSError as error:
        raise ConfigError([f"--json: cannot write {path}: {error.strerror}"]) from None


COMMAND = Command("evaluate", "score word vectors in test files", run, add_arguments)
