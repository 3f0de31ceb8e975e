"""`python -m vecmill`: the command line."""

from __future__ import annotations

import sys

from vecmill.cli import main

sys.exit(main())
