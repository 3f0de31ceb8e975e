"""Draw the training pairs of every epoch: spark-submit jobs/generate_pairs.py --config FILE."""

from __future__ import annotations

import sys

from vecmill.cli import main

if __name__ == "__main__":
    sys.exit(main(["pairs", *sys.argv[1:]]))
