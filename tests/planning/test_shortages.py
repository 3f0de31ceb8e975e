"""Shortages name what is needed, what is available, and a remedy."""

from __future__ import annotations

import dataclasses

import pytest

from tests.planning.examples import CORPUS, ROOMY, load_config
from vecmill.config import Config
from vecmill.errors import ConfigError, VecmillError
from vecmill.formatting import GIB, MIB
from vecmill.planning.requirements import Requirements, requirements
from vecmill.planning.shortages import check_memory, memory_shortages, shortages

CONFIG = load_config()


def required(config: Config = CONFIG) -> Requirements:
    return requirements(CORPUS, config, slots=2)


def test_a_roomy_machine_has_no_shortage() -> None:
    assert shortages(required(), ROOMY, CONFIG) == []


@pytest.mark.parametrize(
    ("lack", "name", "remedy"),
    [
        ({"available": GIB}, "memory of this machine", "local[N]"),
        ({"heap": 128 * MIB}, "spark.driver.memory", "spark.driver.memory 512m"),
        ({"max_result": MIB}, "spark.driver.maxResultSize", "maxResultSize 128m"),
        ({"output_free": MIB}, "disk of output.path (b)", "another folder"),
        ({"scratch_free": MIB}, "disk of spark.local.dir", "larger disk"),
        (
            {"local": False, "contained": True, "overhead": 128 * MIB},
            "spark.executor.memoryOverhead",
            "executor.cores",
        ),
        ({"local": False, "heap": 128 * MIB}, "spark.executor.memory", "spark.executor.memory 512m"),
    ],
)
def test_a_shortage_is_reported_with_its_remedy(lack: dict[str, int], name: str, remedy: str) -> None:
    resources = dataclasses.replace(ROOMY, **lack)

    found = shortages(required(), resources, CONFIG)

    [sentence] = (shortage.sentence for shortage in found)
    assert sentence.startswith(name + ":")
    assert remedy in sentence
    assert memory_shortages(required(), resources, CONFIG) == ([] if "disk" in name else [sentence])
    assert found[0].is_passing == ("disk" in name)


@pytest.mark.parametrize("total", [GIB, 64 * GIB, None])
def test_memory_that_other_processes_hold_is_told_from_memory_that_is_missing(total: int | None) -> None:
    resources = dataclasses.replace(ROOMY, available=GIB, total=total)

    [found] = shortages(required(), resources, CONFIG)

    assert found.is_passing == (total == 64 * GIB)
    error = VecmillError if found.is_passing else ConfigError
    with pytest.raises(error) as raised:
        check_memory(required(), resources, CONFIG)
    assert raised.value.exit_code == (1 if found.is_passing else 2)
    if found.is_passing:
        assert "1.0 GiB free of 64.0 GiB, other processes hold the rest; try again" in str(raised.value)
    else:
        assert "this run cannot fit: memory of this machine: " in str(raised.value)


def test_a_setting_that_is_too_small_does_not_pass() -> None:
    resources = dataclasses.replace(ROOMY, available=GIB, total=64 * GIB, heap=128 * MIB)

    with pytest.raises(ConfigError) as raised:
        check_memory(required(), resources, CONFIG)

    assert len(raised.value.faults) == 2


def test_a_run_that_fits_is_not_refused() -> None:
    check_memory(required(), ROOMY, CONFIG)


def test_the_recommended_heap_is_enough() -> None:
    resources = dataclasses.replace(ROOMY, heap=512 * MIB)

    assert required().heap <= resources.heap
    assert shortages(required(), resources, CONFIG) == []


def test_no_limit_on_results_is_no_shortage() -> None:
    resources = dataclasses.replace(ROOMY, max_result=0)

    assert shortages(required(), resources, CONFIG) == []


def test_pairs_that_fill_the_disk_need_not_be_written() -> None:
    config = load_config("train.epochs=500")
    resources = dataclasses.replace(ROOMY, output_free=GIB)

    found = shortages(required(config), resources, config)

    assert "pairs.materialize = false" in found[0].sentence


def test_unknown_resources_are_no_shortage() -> None:
    unknown = dataclasses.replace(ROOMY, available=None, output_free=None, scratch_free=None)

    assert shortages(required(), unknown, CONFIG) == []
