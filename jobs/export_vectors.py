"""Write the model's word vectors in every format: spark-submit jobs/export_vectors.py --config FILE."""

from __future__ import annotations

import sys

from vecmill.cli import main

if __name__ == "__main__":
    sys.exit(main(["export", *sys.argv[1:]]))
