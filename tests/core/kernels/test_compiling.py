"""How kernels are kept once they are compiled, and run by several threads."""

from __future__ import annotations

import sys
import zipfile

import numpy as np
import pytest

compiling = pytest.importorskip("vecmill.core.kernels.compiling")


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_threads_share_the_items_out_without_gap_or_overlap(threads):
    seen = np.zeros(5)

    def train(begin, end):
        seen[begin:end] += 1
        return float(end - begin)

    assert compiling.hogwild(train, 5, threads) == 5
    assert seen.tolist() == [1] * 5


def test_what_comes_in_a_wheel_is_kept_beside_it_once_compiled(tmp_path, monkeypatch):
    module = (
        "from numba.core import types\n"
        "from vecmill.core.compiling import compiled\n\n"
        "@compiled(types.float64(types.float64))\n"
        "def twice(x):\n"
        "    return 2 * x\n"
    )
    with zipfile.ZipFile(tmp_path / "probe.whl", "w") as wheel:
        wheel.writestr("compiled_probe.py", module)
    monkeypatch.syspath_prepend(str(tmp_path / "probe.whl"))
    monkeypatch.delitem(sys.modules, "compiled_probe", raising=False)

    import compiled_probe

    assert compiled_probe.twice(3.0) == 6.0
    assert list((tmp_path / "probe.whl-compiled").rglob("*.nbi"))
