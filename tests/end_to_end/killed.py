"""The command line, killed while it trains: `python -m tests.end_to_end.killed MOMENT ROUND run ...`.

MOMENT "before" kills it after the checkpoint of ROUND is published and before run.json records it; "after"
kills it while the next round trains. The whole process group dies at once, without a chance to clean up.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Any

from tests.end_to_end import toy_model
from tests.end_to_end.conftest import STRATA_PER_ROUND
from vecmill.runs.manifest import Manifest, Record
from vecmill.training.blocked import driver

# Less than a round takes.
_INTO_THE_NEXT_ROUND_SECONDS = 0.2


def kill() -> None:
    os.killpg(os.getpgrp(), signal.SIGKILL)


def main(moment: str, fatal_round: int) -> int:
    update = Manifest.update

    def update_and_die(manifest: Manifest, name: str, **values: Any) -> Record:
        is_fatal = name == "train" and values.get("round") == fatal_round
        if is_fatal and moment == "before":
            kill()
        record = update(manifest, name, **values)
        if is_fatal and moment == "after":
            threading.Timer(_INTO_THE_NEXT_ROUND_SECONDS, kill).start()
        return record

    Manifest.update = update_and_die  # type: ignore[method-assign]
    driver.STRATA_PER_ROUND = STRATA_PER_ROUND
    return toy_model.main()


if __name__ == "__main__":
    moment, fatal_round = sys.argv[1:3]
    del sys.argv[1:3]
    sys.exit(main(moment, int(fatal_round)))
