"""Kernels are compiled anew after an edit of any of their sources, and otherwise loaded from the cache."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

import vecmill

pytest.importorskip("numba")

from vecmill.core.kernels import code_cache

PACKAGE = Path(vecmill.__file__).parent

# A kernel of three modules: its own, a helper that is compiled into it, and a constant of the helper.
KERNEL = """
from numba.core import types
from vecmill.core.kernels.compiling import compiled
from vecmill.core.kernels.probe_helper import scaled


@compiled(types.float64(types.float64))
def probe(x):
    return scaled(x)
"""
HELPER = """
from vecmill.core.kernels import probe_constant
from vecmill.core.kernels.compiling import inlined

FACTOR = probe_constant.FACTOR


@inlined
def scaled(x):
    return FACTOR * x
"""
CONSTANT = "FACTOR = 2.0\n"

# What a process prints: the result of the kernel, and how often it compiled it.
PROGRAM = """
import json, time, sys
if len(sys.argv) > 1:
    time.sleep(max(0, float(sys.argv[1]) - time.time()))
from vecmill.core.kernels import probe_kernel
stats = probe_kernel.probe.stats
print(json.dumps([
    probe_kernel.probe(3.0), sum(stats.cache_misses.values()), sum(stats.cache_hits.values())
]))
"""
COMPILED, LOADED = [1, 0], [0, 1]


@pytest.fixture
def package(tmp_path):
    """A copy of the package, with the kernel above."""
    copy = tmp_path / "lib" / "vecmill"
    ignored = shutil.ignore_patterns("__pycache__", "measures")
    shutil.copytree(PACKAGE / "core", copy / "core", ignore=ignored)
    for name in ("__init__.py", "errors.py"):
        shutil.copy(PACKAGE / name, copy)
    kernels = copy / "core" / "kernels"
    (kernels / "probe_kernel.py").write_text(KERNEL)
    (kernels / "probe_helper.py").write_text(HELPER)
    (kernels / "probe_constant.py").write_text(CONSTANT)
    return copy


def environment(path, home, **variables):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    return {
        **kept,
        "PYTHONPATH": str(path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home),
        **variables,
    }


def start(path, home, *arguments, **variables):
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        env=environment(path, home, **variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def result_of(process):
    """The result of the kernel, and [times compiled, times loaded]."""
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    result, *stats = json.loads(output)
    return result, stats


def run(path, home, **variables):
    return result_of(start(path, home, **variables))


def test_a_kernel_is_loaded_until_one_of_its_sources_is_edited(package, tmp_path):
    def edit(module, old, new):
        path = package / "core" / "kernels" / module
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new, 1))

    assert run(package.parent, tmp_path / "home") == (6.0, COMPILED)
    assert run(package.parent, tmp_path / "home") == (6.0, LOADED)

    edit("probe_helper.py", "FACTOR * x", "FACTOR * x + 1")
    assert run(package.parent, tmp_path / "home") == (7.0, COMPILED)
    edit("probe_constant.py", "2.0", "5.0")
    assert run(package.parent, tmp_path / "home") == (16.0, COMPILED)
    edit("compiling.py", "from typing", "# A comment.\nfrom typing")
    assert run(package.parent, tmp_path / "home") == (16.0, COMPILED)
    edit("probe_kernel.py", "scaled(x)", "scaled(x) - 1")
    assert run(package.parent, tmp_path / "home") == (15.0, COMPILED)

    assert run(package.parent, tmp_path / "home") == (15.0, LOADED)
    edit("probe_kernel.py", "scaled(x) - 1", "scaled(x)")
    assert run(package.parent, tmp_path / "home") == (16.0, LOADED)
    assert not (tmp_path / "home").exists()
    assert not [path for path in package.rglob("*.py") if "__pycache__" in path.parts]


def archive(package, path):
    """The package as a wheel."""
    with zipfile.ZipFile(path, "w") as wheel:
        for file in package.rglob("*.py"):
            wheel.write(file, file.relative_to(package.parent))
    return path


def test_a_kernel_in_a_wheel_is_cached_beside_the_wheel(package, tmp_path):
    wheel = archive(package, tmp_path / "probe.whl")

    assert run(wheel, tmp_path / "home") == (6.0, COMPILED)
    assert run(wheel, tmp_path / "home") == (6.0, LOADED)
    assert list((tmp_path / "probe.whl-compiled").rglob("probe_kernel*.nbi"))


def test_another_wheel_of_the_same_name_compiles_anew(package, tmp_path):
    wheel = archive(package, tmp_path / "probe.whl")
    assert run(wheel, tmp_path / "home") == (6.0, COMPILED)

    (package / "core" / "kernels" / "probe_constant.py").write_text("FACTOR = 5.0\n")
    archive(package, wheel)

    assert run(wheel, tmp_path / "home") == (15.0, COMPILED)


def forbid_folder(path):
    """A file in the place of a folder, since file permissions do not stop the superuser."""
    path.write_text("")


def test_a_package_that_cannot_be_written_is_cached_in_the_home(package, tmp_path):
    forbid_folder(package / "core" / "kernels" / "__pycache__")

    assert run(package.parent, tmp_path / "home") == (6.0, COMPILED)
    assert run(package.parent, tmp_path / "home") == (6.0, LOADED)
    assert list((tmp_path / "home" / "vecmill").rglob("probe_kernel*.nbi"))


def test_without_any_folder_every_process_compiles(package, tmp_path):
    forbid_folder(package / "core" / "kernels" / "__pycache__")
    forbid_folder(tmp_path / "home")

    for _ in range(2):
        assert run(package.parent, tmp_path / "home") == (6.0, COMPILED)


def test_without_a_folder_for_numba_every_process_compiles(package, tmp_path):
    run(package.parent, tmp_path / "home")
    [folder] = (package / "core" / "kernels" / "__pycache__").glob("probe_kernel-*")
    shutil.rmtree(folder / "__pycache__")
    forbid_folder(folder / "__pycache__")
    forbid_folder(tmp_path / "home")

    assert run(package.parent, tmp_path / "home") == (6.0, COMPILED)


def test_numbas_own_variable_names_the_folder(package, tmp_path):
    folder = {"NUMBA_CACHE_DIR": str(tmp_path / "numba")}

    assert run(package.parent, tmp_path / "home", **folder) == (6.0, COMPILED)
    assert run(package.parent, tmp_path / "home", **folder) == (6.0, LOADED)
    (package / "core" / "kernels" / "probe_constant.py").write_text("FACTOR = 5.0\n")
    assert run(package.parent, tmp_path / "home", **folder) == (15.0, COMPILED)
    assert list((tmp_path / "numba").rglob("probe_kernel*.nbi"))
    assert not list(package.rglob("*.nbi"))


def test_processes_that_compile_at_once_do_not_disturb_each_other(package, tmp_path):
    begin = str(time.time() + 1)
    processes = [start(package.parent, tmp_path / "home", begin) for _ in range(3)]

    assert [result_of(process)[0] for process in processes] == [6.0] * 3
    assert run(package.parent, tmp_path / "home") == (6.0, LOADED)
    assert not list(package.rglob("*.tmp*"))


@pytest.mark.parametrize("name", ["sgns_compiled", "sgns_buckets_compiled"])
def test_the_sources_of_a_kernel_are_all_that_it_imports(name):
    pytest.importorskip(f"vecmill.core.kernels.{name}")

    sources = code_cache.sources_of(f"vecmill.core.kernels.{name}")

    used = {name, "tiles", "registers", "compiling", "code_cache"}
    assert {f"vecmill.core.kernels.{module}" for module in used} <= set(sources)
    if name == "sgns_buckets_compiled":
        # Sizes of tiles are constants of the compiled code.
        assert "vecmill.core.buckets" in sources
    assert not any(module.startswith("vecmill.core.measures") for module in sources)
    for module, source in sources.items():
        path = PACKAGE.parent.joinpath(*module.split(".")).with_suffix(".py")
        assert source == path.read_text(encoding="utf-8")


def test_old_versions_of_a_kernel_are_removed_and_other_files_stay(tmp_path):
    for age in range(12):
        folder = tmp_path / f"probe-{age:02}"
        folder.mkdir()
        (folder / "probe.py").write_text("")
        os.utime(folder, (1e9 - age, 1e9 - age))
    (tmp_path / "probe_helper-1").mkdir()
    (tmp_path / "probe.cpython-311.pyc").write_text("")

    code_cache._remove_old(tmp_path, "probe")

    kept = sorted(path.name for path in tmp_path.iterdir())
    assert kept == [*(f"probe-{age:02}" for age in range(8)), "probe.cpython-311.pyc", "probe_helper-1"]
