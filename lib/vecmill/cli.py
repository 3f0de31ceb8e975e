"""The command `vecmill`: arguments in, exit code out."""

from __future__ import annotations

import argparse
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from types import FrameType

import vecmill
from vecmill.errors import ConfigError, VecmillError

_EPILOG = """\
exit codes: 0 done; 1 unexpected; 2 usage or configuration; 3 the input breaks its contract;
4 below a quality floor; 5 another run holds this output
"""


_VECTORS_HELP = (
    "word vectors: word2vec text or binary, GloVe text, .npy, safetensors, Parquet, or the folder of a run"
)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        raise ConfigError([f"{message}; see '{self.prog} --help'"])


def parser() -> argparse.ArgumentParser:
    """Every command with its options; a fault in the arguments raises ConfigError."""
    top = _Parser(
        prog="vecmill",
        description="Word embeddings on stock Apache Spark: from raw text to word vectors.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"vecmill {vecmill.__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, help_: str, handler: Callable[[argparse.Namespace], int]) -> _Parser:
        made = commands.add_parser(name, help=help_, description=help_, epilog=_EPILOG)
        made.add_argument("--config", metavar="FILE", help="what to compute, in TOML")
        made.add_argument(
            "--set",
            dest="overrides",
            action="append",
            default=[],
            metavar="SECTION.KEY=VALUE",
            help="override one key of the configuration; may be given many times",
        )
        made.add_argument(
            "--spark-conf",
            metavar="FILE",
            help="Spark settings, one 'spark.key value' a line; spark-submit's own go before it",
        )
        made.set_defaults(handler=handler)
        return made

    command("run", "every stage from text to exported vectors", _run_stages)
    command("tokenize", "text to tokens", _run_stages)
    command("vocabulary", "tokens to vocabulary and sampling tables", _run_stages)
    pairs = command("pairs", "tokens to the pairs of every epoch", _run_pairs)
    pairs.add_argument("--show", type=int, metavar="N", help="print the first N triples, then stop")
    command("train", "pairs to a trained model", _run_stages)
    command("export", "the trained model to word vectors in every format", _run_stages)
    neighbors = command("neighbors", "the words nearest to each word", _neighbors)
    neighbors.add_argument("words", nargs="+", metavar="WORD")
    analogy = command("analogy", "A is to B as C is to what?", _analogy)
    analogy.add_argument("words", nargs=3, metavar=("A", "B", "C"))
    for asks in (neighbors, analogy):
        asks.add_argument("-n", type=_positive, default=10, help="how many answers (10)")
        asks.add_argument("--vectors", metavar="FILE", help=_VECTORS_HELP)
    evaluate = command("evaluate", "scores of word vectors in test files", _evaluate)
    evaluate.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="a test: rated pairs, analogies, odd ones out, categories, or word sets for WEAT in JSON; "
        "without one, and without an option but --json, those of evaluate.files, as a stage of the run",
    )
    evaluate.add_argument(
        "--vectors",
        "--also",
        action="append",
        default=[],
        metavar="FILE",
        help=f"{_VECTORS_HELP}; given several times, means over all of them",
    )
    evaluate.add_argument(
        "--restrict",
        type=_positive,
        metavar="N",
        help="ask analogies of the N most frequent words (30,000)",
    )
    evaluate.add_argument("--case-sensitive", action="store_true", help="keep 'Apple' and 'apple' apart")
    evaluate.add_argument(
        "--score-unknown",
        action="store_true",
        help="count questions with an unknown word as wrong, gensim's dummy4unknown",
    )
    evaluate.add_argument("--bias", action="store_true", help="what lies along the gender direction")
    evaluate.add_argument("--json", metavar="FILE", help="write the scores there too; - is the screen")
    report = command("report", "one page that shows what was learnt", _report)
    report.add_argument(
        "target", nargs="?", metavar="PAGE", help="where to write it (report.html in the run's folder)"
    )
    report.add_argument("--vectors", metavar="FILE", help=_VECTORS_HELP)
    report.add_argument("--words", nargs="+", default=[], metavar="WORD", help="words to show besides")
    report.add_argument(
        "--tests",
        nargs="+",
        default=[],
        metavar="FILE",
        help="test files to score the vectors in, in place of the run's own evaluation",
    )
    command("plan", "what a run would need: memory, disk, bytes moved", _plan)
    command("doctor", "whether this machine can run vecmill, and what to do if not", _doctor)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code. The last line on the screen is the cause in one sentence."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        arguments = parser().parse_args(argv)
        return int(arguments.handler(arguments))
    except VecmillError as error:
        faults = error.faults if isinstance(error, ConfigError) else [str(error)]
        for fault in faults:
            print(f"vecmill: {fault}", file=sys.stderr, flush=True)
        return error.exit_code
    except KeyboardInterrupt:
        print("vecmill: stopped; the same command goes on from here", file=sys.stderr, flush=True)
        return 1
    except Exception as error:
        return _unexpected(error)


def _stop(signal_number: int, frame: FrameType | None) -> None:
    """End as Ctrl-C does, so that a scheduler's SIGTERM lets go of the output."""
    raise KeyboardInterrupt


def _unexpected(error: Exception) -> int:
    from vecmill.spark.failures import told

    known = told(error)
    if known is None:
        traceback.print_exception(error)
    sentence, code = known or (f"unexpected {type(error).__name__}: {error}".splitlines()[0], 1)
    print(f"vecmill: {sentence}", file=sys.stderr, flush=True)
    return code


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {number}")
    return number


def _run_stages(arguments: argparse.Namespace) -> int:
    from vecmill.pipeline import engine

    with _opened(arguments) as run:
        engine.execute(run, arguments.command)
    return 0


def _run_pairs(arguments: argparse.Namespace) -> int:
    if arguments.show is None:
        return _run_stages(arguments)
    from vecmill.commands.show_pairs import first_triples

    with _opened(arguments) as run:
        for line in first_triples(run, arguments.show):
            print(line)
    return 0


def _opened(arguments: argparse.Namespace):  # type: ignore[no-untyped-def]
    from vecmill.runs.opening import opened

    return opened(arguments.config, arguments.overrides, arguments.spark_conf)


def _neighbors(arguments: argparse.Namespace) -> int:
    from vecmill.commands.asking import neighbors

    for line in neighbors(arguments):
        print(line)
    return 0


def _analogy(arguments: argparse.Namespace) -> int:
    from vecmill.commands.asking import analogy

    for line in analogy(arguments):
        print(line)
    return 0


def _evaluate(arguments: argparse.Namespace) -> int:
    from vecmill.commands import evaluate
    from vecmill.evaluation import score_table

    if evaluate.is_stage(arguments):
        with _opened(arguments) as run:
            told, lines = evaluate.run_stage(run)
    else:
        told, lines = evaluate.ask(arguments)
    if arguments.json and arguments.json != "-":
        evaluate.write_json(told, arguments.json)
    if arguments.json == "-":
        print(score_table.as_text(told), end="")
    else:
        for line in lines:
            print(line)
    return 0


def _report(arguments: argparse.Namespace) -> int:
    from vecmill.commands.asking import report

    print(report(arguments))
    return 0


def _plan(arguments: argparse.Namespace) -> int:
    from vecmill.commands.plan import plan

    print(plan(arguments))
    return 0


def _doctor(arguments: argparse.Namespace) -> int:
    from vecmill.commands.doctor import diagnose

    report, healthy = diagnose(arguments)
    print(report)
    return 0 if healthy else 2
