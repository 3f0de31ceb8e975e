"""Kernels are compiled anew after an edit of any of their sources, and otherwise loaded from the cache."""

from __future__ import annotations

import importlib
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

numba = pytest.importorskip("numba")

code_cache = pytest.importorskip("vecmill.core.kernels.code_cache")

PACKAGE = Path(vecmill.__file__).parent

# A kernel of three modules: its own, a helper that is compiled into it, and a constant of the helper.
KERNEL = """
from numba.core import types
from vecmill.core.kernels.compiling import compiled
from probe.helper import scaled


@compiled(types.float64(types.float64))
def probe(x):
    return scaled(x)
"""
HELPER = """
from probe import constant
from vecmill.core.kernels.compiling import inlined

FACTOR = constant.FACTOR


@inlined
def scaled(x):
    return FACTOR * x
"""
PROBE = {"__init__": "", "kernel": KERNEL, "helper": HELPER, "constant": "FACTOR = 2.0\n"}

# The result of the kernel, and how often a process compiled it and how often it loaded it.
COMPILED, LOADED = (1, 0), (0, 1)


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def forbid_folder(path):
    """Put a file in the place of a folder, since file permissions do not stop the superuser."""
    path.write_text("")


def caches(folder):
    return list(folder.rglob("kernel*.nbi"))


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty folder for caches of the user, and no other folder that Numba is told to use."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(numba.core.config, "CACHE_DIR", "")
    return tmp_path / "home"


# Within this process, which imports the modules of the probe again and again


@pytest.fixture
def run(home, monkeypatch):
    """A function that imports the probe from a folder or an archive, as a new process would."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def run(path):
        with monkeypatch.context() as patch:
            patch.syspath_prepend(str(path))
            probe = importlib.import_module("probe.kernel").probe
        for module in [name for name in sys.modules if name.partition(".")[0] == "probe"]:
            del sys.modules[module]
        stats = probe.stats
        return probe(3.0), (sum(stats.cache_misses.values()), sum(stats.cache_hits.values()))

    return run


@pytest.fixture
def folder(tmp_path):
    """A folder with the probe as a package."""
    path = tmp_path / "lib" / "probe"
    path.mkdir(parents=True)
    for module, source in PROBE.items():
        (path / f"{module}.py").write_text(source)
    return path.parent


def test_a_kernel_is_loaded_until_one_of_its_sources_is_edited(run, folder, home):
    assert run(folder) == (6.0, COMPILED)
    assert run(folder) == (6.0, LOADED)

    edit(folder / "probe" / "helper.py", "FACTOR * x", "FACTOR * x + 1")
    assert run(folder) == (7.0, COMPILED)
    edit(folder / "probe" / "constant.py", "2.0", "5.0")
    assert run(folder) == (16.0, COMPILED)
    edit(folder / "probe" / "kernel.py", "scaled(x)", "scaled(x) - 1")
    assert run(folder) == (15.0, COMPILED)
    assert run(folder) == (15.0, LOADED)

    edit(folder / "probe" / "kernel.py", "scaled(x) - 1", "scaled(x)")
    assert run(folder) == (16.0, LOADED)
    assert not home.exists()
    assert not [path for path in folder.rglob("*.py") if "__pycache__" in path.parts]


def test_a_kernel_in_a_wheel_is_cached_beside_the_wheel_until_the_wheel_changes(run, tmp_path):
    def write_wheel(**sources):
        with zipfile.ZipFile(tmp_path / "probe.whl", "w") as wheel:
            for module, source in {**PROBE, **sources}.items():
                wheel.writestr(f"probe/{module}.py", source)

    write_wheel()
    assert run(tmp_path / "probe.whl") == (6.0, COMPILED)
    assert run(tmp_path / "probe.whl") == (6.0, LOADED)
    assert caches(tmp_path / "probe.whl-compiled")

    write_wheel(constant="FACTOR = 5.0\n")
    assert run(tmp_path / "probe.whl") == (15.0, COMPILED)


def test_a_package_that_cannot_be_written_is_cached_in_the_home(run, folder, home):
    forbid_folder(folder / "probe" / "__pycache__")

    assert run(folder) == (6.0, COMPILED)
    assert run(folder) == (6.0, LOADED)
    assert caches(home / "vecmill")


def test_without_any_folder_every_process_compiles(run, folder, home):
    forbid_folder(folder / "probe" / "__pycache__")
    forbid_folder(home)

    assert run(folder) == (6.0, COMPILED)
    assert run(folder) == (6.0, COMPILED)


def test_if_numba_finds_no_folder_every_process_compiles(run, folder, home):
    run(folder)
    [cache] = (folder / "probe" / "__pycache__").glob("kernel-*")
    shutil.rmtree(cache / "__pycache__")
    forbid_folder(cache / "__pycache__")
    forbid_folder(home)

    assert run(folder) == (6.0, COMPILED)


def test_without_sources_every_process_compiles(run, folder, monkeypatch):
    monkeypatch.setattr(code_cache, "_source", lambda module: None)

    assert run(folder) == (6.0, COMPILED)
    assert run(folder) == (6.0, COMPILED)
    assert not caches(folder)


def test_numbas_own_variable_names_the_folder(run, folder, tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "numba"))
    monkeypatch.setattr(numba.core.config, "CACHE_DIR", str(tmp_path / "numba"))

    assert run(folder) == (6.0, COMPILED)
    assert run(folder) == (6.0, LOADED)
    edit(folder / "probe" / "constant.py", "2.0", "5.0")
    assert run(folder) == (15.0, COMPILED)
    assert caches(tmp_path / "numba")
    assert not caches(folder)


# In processes of their own, with a copy of the package

PROGRAM = """
import json, sys, time
time.sleep(max(0, float(sys.argv[1]) - time.time()))
from vecmill.core.probe.kernel import probe
stats = probe.stats
print(json.dumps([probe(3.0), sum(stats.cache_misses.values()), sum(stats.cache_hits.values())]))
"""


@pytest.fixture
def package(tmp_path):
    """A copy of vecmill that has the probe as a room of its core."""
    copy = tmp_path / "lib" / "vecmill"
    ignored = shutil.ignore_patterns("__pycache__", "measures")
    shutil.copytree(PACKAGE / "core", copy / "core", ignore=ignored)
    for name in ("__init__.py", "errors.py"):
        shutil.copy(PACKAGE / name, copy)
    (copy / "core" / "probe").mkdir()
    for module, source in PROBE.items():
        inside = source.replace("from probe", "from vecmill.core.probe")
        (copy / "core" / "probe" / f"{module}.py").write_text(inside)
    return copy


def start(package, at=0.0):
    """A process that runs the kernel at a time in seconds since the epoch."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(at)],
        env={**os.environ, "PYTHONPATH": str(package.parent), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def result_of(process):
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    result, *stats = json.loads(output)
    return result, tuple(stats)


@pytest.mark.usefixtures("home")
def test_a_new_process_runs_the_edited_helper_of_the_package(package):
    assert result_of(start(package)) == (6.0, COMPILED)
    assert result_of(start(package)) == (6.0, LOADED)

    edit(package / "core" / "probe" / "helper.py", "FACTOR * x", "FACTOR * x + 1")
    assert result_of(start(package)) == (7.0, COMPILED)
    edit(package / "core" / "kernels" / "compiling.py", '"error_model": "numpy"', '"error_model": "python"')
    assert result_of(start(package)) == (7.0, COMPILED)


@pytest.mark.usefixtures("home")
def test_processes_that_compile_at_once_do_not_disturb_each_other(package):
    soon = time.time() + 1
    processes = [start(package, soon) for _ in range(3)]

    assert [result_of(process)[0] for process in processes] == [6.0] * 3
    assert result_of(start(package)) == (6.0, LOADED)
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
