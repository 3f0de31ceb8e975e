"""Which room may import which: read from the sources, without running them."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "lib" / "vecmill"
MODULES = {
    ".".join(path.relative_to(ROOT / "lib").with_suffix("").parts).removesuffix(".__init__"): path
    for path in PACKAGE.rglob("*.py")
    if "__pycache__" not in path.parts
}

# The rooms from the foundation up, and which rooms each may import. A room is a prefix of a module's name.
_BASE = ("errors", "formatting", "atomic")
ALLOWED_BELOW = {
    "errors": (),
    "formatting": (),
    "atomic": (),
    "core": _BASE,
    "spark": _BASE,
    "storage": ("core", "spark", *_BASE),
    "corpus": ("storage", "spark", "core", *_BASE),
    "examples": ("corpus", "storage", "core", *_BASE),
    "models": ("examples", "core", *_BASE),
    "config": ("models", "core", *_BASE),
    "runs": ("config", "models", "examples", "corpus", "storage", "spark", "core", *_BASE),
    "vectors": ("runs", "storage", "spark", "core", *_BASE),
    "training": ("runs", "config", "models", "examples", "corpus", "storage", "spark", "core", *_BASE),
    "planning": (
        *("training", "runs", "config", "models", "examples", "corpus", "storage", "spark", "core"),
        *_BASE,
    ),
    "evaluation": ("vectors", "config", "storage", "core", *_BASE),
    "report": ("evaluation", "vectors", "runs", "storage", "core", *_BASE),
    "pipeline": (
        *("evaluation", "planning", "training", "vectors", "runs", "config", "models", "examples"),
        *("corpus", "storage", "spark", "core", *_BASE),
    ),
}
ALLOWED = {
    f"vecmill.{room}": (f"vecmill.{room}", *(f"vecmill.{other}" for other in below))
    for room, below in ALLOWED_BELOW.items()
}
# The command line may import every room, and only it parses arguments.
COMMAND_LINE = ("vecmill.cli", "vecmill.commands")
ENTRANCE = (*COMMAND_LINE, "vecmill.__main__")
# Packages other than Python's own library that a room may import.
ALLOWED_OTHERS = {"vecmill.core": {"numpy", "numba", "llvmlite"}}

# Modules that lie at the top of the package, outside rooms.
MOST_LOOSE_MODULES = 6
MOST_LINES = 400
# Modules of the package that one module may import.
MOST_IMPORTS = 15

# What an executor imports to unpickle the functions of a task.
ON_EXECUTORS = (
    "vecmill.core",
    "vecmill.corpus",
    "vecmill.examples",
    "vecmill.models",
    "vecmill.storage",
    "vecmill.training.averaging.worker",
    "vecmill.training.blocked.worker",
    "vecmill.vectors.from_tables",
)
DRIVER_ONLY = ("pydantic", "vecmill.config")

# The modules that call Java through PySpark's private attributes.
JVM_CALLERS = ["vecmill.spark.session", "vecmill.storage.hadoop_files"]
JVM_ATTRIBUTES = {"_jvm", "_gateway", "_jsc", "_jdf", "_jsparkSession"}


def is_within(module: str, rooms: tuple[str, ...]) -> bool:
    return any(module == room or module.startswith(f"{room}.") for room in rooms)


def imports(path: Path, module: str) -> Iterator[str]:
    """The full names of all modules that the file at `path` imports, at any level of it."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*(above if node.level else []), *([node.module] if node.module else [])])
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield full if full in MODULES else base


def modules_in(*rooms: str) -> list[str]:
    return sorted(module for module in MODULES if is_within(module, rooms))


def test_every_room_exists():
    for room in (*ALLOWED, *ON_EXECUTORS):
        assert modules_in(room), room


def test_every_module_is_in_a_room_or_at_the_entrance():
    known = (*ALLOWED, *ENTRANCE)

    assert [module for module in MODULES if module != "vecmill" and not is_within(module, known)] == []


def test_no_two_rooms_import_each_other():
    rooms = list(ALLOWED_BELOW)

    for room, below in ALLOWED_BELOW.items():
        assert all(rooms.index(other) < rooms.index(room) for other in below), room


def test_few_modules_lie_at_the_top():
    assert len(list(PACKAGE.glob("*.py"))) <= MOST_LOOSE_MODULES


def test_no_file_is_long():
    long = {
        str(path.relative_to(ROOT)): lines
        for folder in ("lib", "jobs")
        for path in (ROOT / folder).rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MOST_LINES
    }

    assert long == {}


def test_no_module_imports_many_others():
    numbers = {
        module: len({name for name in imports(path, module) if name.startswith("vecmill.")})
        for module, path in MODULES.items()
    }

    assert {module: number for module, number in numbers.items() if number > MOST_IMPORTS} == {}


@pytest.mark.parametrize("room", ALLOWED)
def test_a_room_imports_only_the_rooms_that_it_may(room):
    wrong = [
        f"{module} imports {imported}"
        for module in modules_in(room)
        for imported in imports(MODULES[module], module)
        # The package itself has the version.
        if imported.startswith("vecmill.") and not is_within(imported, ALLOWED[room])
    ]

    assert wrong == []


@pytest.mark.parametrize("room", ALLOWED_OTHERS)
def test_a_room_imports_only_the_packages_that_it_may(room):
    allowed = ALLOWED_OTHERS[room] | sys.stdlib_module_names | {"vecmill"}

    wrong = [
        f"{module} imports {imported}"
        for module in modules_in(room)
        for imported in imports(MODULES[module], module)
        if imported.split(".")[0] not in allowed
    ]

    assert wrong == []


def test_executors_import_nothing_that_only_the_driver_has():
    reached, waiting = set(), modules_in(*ON_EXECUTORS)
    while waiting:
        module = waiting.pop()
        if module in reached:
            continue
        reached.add(module)
        # Importing a module imports the packages that it lies in.
        parts = module.split(".")
        waiting += [".".join(parts[:n]) for n in range(1, len(parts))]
        for imported in imports(MODULES[module], module):
            assert not is_within(imported, DRIVER_ONLY), f"{module} imports {imported}"
            if imported in MODULES:
                waiting.append(imported)

    assert len(reached) > len(modules_in("vecmill.core"))


def test_only_the_command_line_parses_arguments():
    parsing = [module for module, path in MODULES.items() if "argparse" in imports(path, module)]

    assert parsing
    assert [module for module in parsing if not is_within(module, COMMAND_LINE)] == []


def test_few_modules_call_java_themselves():
    def calls_java(path: Path) -> bool:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        return not attributes.isdisjoint(JVM_ATTRIBUTES)

    assert sorted(module for module, path in MODULES.items() if calls_java(path)) == JVM_CALLERS


def test_jobs_are_thin():
    for job in (ROOT / "jobs").glob("*.py"):
        assert {name.split(".")[0] for name in imports(job, job.stem)} <= {
            "__future__",
            "sys",
            "vecmill",
        }, job
        assert len(job.read_text().splitlines()) < 50, job


def test_no_job_has_the_name_of_a_standard_module():
    names = {job.stem for job in (ROOT / "jobs").glob("*.py")}

    assert names
    assert names.isdisjoint(sys.stdlib_module_names)
