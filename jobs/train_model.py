"""Train a model from pairs: spark-submit jobs/train_model.py --config FILE."""

from __future__ import annotations

import sys

from vecmill.cli import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
