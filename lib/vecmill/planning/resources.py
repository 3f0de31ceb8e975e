"""Where a run would happen: memory, heaps, slots and disks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vecmill.errors import ConfigError
from vecmill.formatting import MIB, parse_bytes
from vecmill.planning.machine import available_memory, free_disk
from vecmill.storage.files import Folder, local_path


@dataclass(frozen=True)
class Place:
    """Where a run would happen; sizes in bytes, None where unknown.

    local     one machine does everything, and its Python workers, heap and driver share its memory
    executors how many of them there are; 1 where local
    slots     tasks that run at once in one executor
    threads   cores that a task has to itself
    heap      of the JVM that reads checkpoints: the driver's where local, else an executor's
    overhead  what an executor's container has beside its heap, for Python workers
    by_files  whether tasks open the files of the output themselves
    contained whether containers are held to it, as those of YARN and Kubernetes are
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


def place_of(folder: Folder, properties: Mapping[str, str]) -> Place:
    """The place that a run directory, its session and the settings it was asked for describe.

    Raises ConfigError where a size cannot be read.
    """
    spark = folder.spark
    settings = spark.sparkContext.getConf()
    output = local_path(folder.qualified("."))
    held = folder.size(".") if folder.exists(".") else 0

    def size(key: str, default: str, unit: int = MIB) -> int:
        try:
            return parse_bytes(settings.get(key, default), unit)
        except ValueError:
            raise ConfigError([f"{key} must be a size such as 2g, got {settings.get(key)!r}"]) from None

    # Settings of executors mean nothing on one machine; who gives them plans for a cluster.
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
    return Place(
        local=local,
        executors=1 if local else instances or max(1, every // cores),
        slots=max(1, cores // threads),
        threads=threads,
        heap=driver_heap if local else heap,
        driver_heap=driver_heap,
        overhead=overhead + python,
        by_files=output is not None,
        contained=not local and not master.startswith(("local-cluster", "spark:")),
        max_result=size("spark.driver.maxResultSize", "1g", 1),
        available=available_memory(),
        output_free=None if free is None else free + held,
        scratch_free=free_disk(Path(scratch)) if local else None,
    )
