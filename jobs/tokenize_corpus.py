"""Split text into tokens: spark-submit jobs/tokenize_corpus.py --config FILE."""

from __future__ import annotations

import sys

from vecmill.cli import main

if __name__ == "__main__":
    sys.exit(main(["tokenize", *sys.argv[1:]]))
