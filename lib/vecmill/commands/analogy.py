"""`vecmill analogy`: A is to B as C is to which word?"""

from __future__ import annotations

import argparse

from vecmill.commands.arguments import add_answer_count, add_vectors, format_answers, load_vectors
from vecmill.commands.command import Command


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the three words, -n and --vectors."""
    parser.add_argument("a", metavar="A", help="first word of the known pair, such as man")
    parser.add_argument("b", metavar="B", help="second word of the known pair, such as king")
    parser.add_argument("c", metavar="C", help="first word of the other pair, such as woman")
    add_answer_count(parser)
    add_vectors(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the words nearest to B - A + C. Raises InputError for the first unknown word."""
    a, b, c = arguments.a, arguments.b, arguments.c
    answers = load_vectors(arguments).analogy(a, b, c, arguments.n)
    print("\n".join([f"{a} is to {b} as {c} is to:", *format_answers(answers)]))
    return 0


COMMAND = Command("analogy", "complete 'A is to B as C is to ...'", run, add_arguments)
