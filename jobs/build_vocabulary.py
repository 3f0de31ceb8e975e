"""Count words and build the sampling tables: spark-submit jobs/build_vocabulary.py --config FILE."""

from __future__ import annotations

import sys

from vecmill.cli import main

if __name__ == "__main__":
    sys.exit(main(["vocabulary", *sys.argv[1:]]))
