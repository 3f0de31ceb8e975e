"""`vecmill neighbors`: the words nearest to each word."""

from __future__ import annotations

import argparse

from vecmill.commands.arguments import add_answer_count, add_vectors, format_answers, load_vectors
from vecmill.commands.command import Command


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the words, -n and --vectors."""
    parser.add_argument(
        "words", nargs="+", metavar="WORD", help="word to look up; write -- before words that begin with -"
    )
    add_answer_count(parser)
    add_vectors(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the nearest words of each word. Raises InputError for the first unknown word."""
    vectors = load_vectors(arguments)
    for word in arguments.words:
        answers = vectors.similar(word, arguments.n)
        print("\n".join([f"{word}:", *format_answers(answers)]))
    return 0


COMMAND = Command("neighbors", "list the words nearest to each word", run, add_arguments)
