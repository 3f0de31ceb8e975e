"""Run every stage from text to word vectors: spark-submit jobs/run_pipeline.py --config FILE."""

from __future__ import annotations

import sys

from vecmill.cli import main

if __name__ == "__main__":
    sys.exit(main(["run", *sys.argv[1:]]))
