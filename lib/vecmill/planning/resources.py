"""The memory, heaps, slots and disks that are available to a run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vecmill.errors import ConfigError
from vecmill.formatting import MIB, parse_bytes
from vecmill.planning.machine import available_memory, free_disk, total_memory
from vecmill.storage.store import Store


@dataclass(frozen=True)
class Resources:
    """The resources of a run; sizes in bytes, None if unknown.

    local     one machine runs everything; Python workers, heap and driver share its memory
    executors number of executors; 1 if local
    slots     tasks that run at once in one executor
    threads   cores of one task
    heap      of the JVM that reads checkpoints: the driver's if local, else an executor's
    overhead  memory of an executor's container beside its heap, for Python workers
    by_files  whether tasks open the files of the output themselves
    contained whether containers are killed above their limits, as on YARN and Kubernetes
    available memory of this machine that no process holds
    total     memory of this machine
    """

    local: bool
    executors: int
    slots: int
    threads: int
    heap: int
    driver_heap: int
    overhead: int
    by_files: bool
    contained: bool
    max_result: int
    available: int | None
    output_free: int | None
    scratch_free: int | None
    total: int | None = None


def resources_of(store: Store, properties: Mapping[str, str]) -> Resources:
    """The resources that a run directory, its session and the requested settings describe.

    Raises ConfigError if a size cannot be read.
    """
    spark = store.spark
    settings = spark.sparkContext.getConf()
    output = store.files.local
    held = store.files.size(".") if store.files.exists(".") else 0

    def size(key: str, default: str, unit: int = MIB) -> int:
        try:
            return parse_bytes(settings.get(key, default), unit)
        except ValueError:
            raise ConfigError([f"{key} must be a size such as 2g, got {settings.get(key)!r}"]) from None

    # Settings of executors have no effect on one machine, so with them the plan is for a cluster.
    master = settings.get("spark.master", "local")
    assert master is not None
    local = re.match(r"local(\[|$)", master) is not None and not any(
        key.startswith("spark.executor.") for key in properties
    )
    heap = size("spark.executor.memory", "1g")
    derived = max(
        size("spark.executor.minMemoryOverhead", "384m"),
        round(float(settings.get("spark.executor.memoryOverheadFactor", "0.1")) * heap),
    )
    overhead = size("spark.executor.memoryOverhead", f"{derived}b")
    python = size("spark.executor.pyspark.memory", "0b")
    every = cores = spark.sparkContext.defaultParallelism
    if not local:
        cores = int(settings.get("spark.executor.cores", "1"))
    instances = int(settings.get("spark.executor.instances", "0"))
    threads = int(settings.get("spark.task.cpus", "1"))
    free = free_disk(output) if output else None
    scratch = settings.get("spark.local.dir", "/tmp").split(",")[0]
    driver_heap = size("spark.driver.memory", "1g")
    return Resources(
        local=local,
        executors=1 if local else instances or max(1, every // cores),
        slots=max(1, cores // threads),
        threads=threads,
        heap=driver_heap if local else heap,
        driver_heap=driver_heap,
        overhead=overhead + python,
        by_files=store.tasks_open_files,
        contained=not local and not master.startswith(("local-cluster", "spark:")),
        max_result=size("spark.driver.maxResultSize", "1g", 1),
        available=available_memory(),
        output_free=None if free is None else free + held,
        scratch_free=free_disk(Path(scratch)) if local else None,
        total=total_memory(),
    )
