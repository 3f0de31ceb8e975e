"""What a stage of the pipeline is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from vecmill.config import Config
from vecmill.evaluation.word_tests import WordTest
from vecmill.runs.run import Run
from vecmill.storage.files import FileStatus

Settings = dict[str, Any]
Record = Mapping[str, Any]


class OutsideInput(NamedTuple):
    """Input that no stage writes: the files of the corpus, and test files."""

    files: Sequence[FileStatus]
    tests: Sequence[WordTest] = ()


@dataclass(frozen=True)
class Stage:
    """One stage of the pipeline.

    name         its name in run.json
    commands     the commands that run it; messages name the first
    reads        stages whose results determine its own: if one of them runs again, so does this stage
    settings     the part of the configuration that determines its result
    work         runs it and returns the counts for its record in run.json
    outputs      files and folders that exist if its record is true
    needs        further stages whose tables it reads; of these, only settings that are also its own
                 determine its result
    outside      the part of the outside input that determines its result, as JSON
    read_tests   reads the test files that it takes, before any stage runs; raises if they are at fault
    is_result    whether users need its outputs, and not only other stages
    is_complete  whether its record covers everything that the configuration requests
    is_enabled   whether the configuration requests it at all
    still_holds  whether what it decided holds on this machine; checked if another stage is about to use it
    settles      the configuration with the settings that it chose, for the stages after it
    """

    name: str
    commands: tuple[str, ...]
    reads: tuple[str, ...]
    settings: Callable[[Config], Settings]
    work: Callable[[Run], Record]
    outputs: Callable[[Record], Sequence[str]]
    needs: Callable[[Config], tuple[str, ...]] = lambda config: ()
    outside: Callable[[OutsideInput], Any] = lambda outside: None
    read_tests: Callable[[Config], Sequence[WordTest]] = lambda config: ()
    is_result: bool = False
    is_complete: Callable[[Config, Record], bool] = lambda config, record: True
    is_enabled: Callable[[Config], bool] = lambda config: True
    still_holds: Callable[[Run, Record], bool] = lambda run, record: True
    settles: Callable[[Config, Record], Config] = lambda config, record: config


def pick(section: Any, *names: str) -> Settings:
    """Some keys of a section of the configuration."""
    return {name: getattr(section, name) for name in names}
