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
    """What stages read that no stage wrote: the files of the corpus, and test files."""

    files: Sequence[FileStatus]
    tests: Sequence[WordTest] = ()


@dataclass(frozen=True)
class Stage:
    """One stage of the pipeline.

    commands    the commands that run it; the first one is named in messages
    reads       the stages whose results decide on its own: if one of them runs again, so does this one
    settings    the part of a configuration that decides on its result
    work        does it, and returns what run.json shall say about it
    leaves      the files and folders that exist if its record is true
    needs       further stages whose tables it reads, though only their settings, which are among its own,
                decide on its result
    outside     what decides on its result outside the run, as JSON
    is_result   whether users want what it leaves, and not only other stages
    is_whole    whether the record says that everything the configuration asks for is there
    is_wanted   whether the configuration asks for it at all
    still_holds whether what was decided holds on this machine, too; checked before a stage that needs it
    runs settles     the configuration with the settings that it chose, for the stages after it
    """

    name: str
    commands: tuple[str, ...]
    reads: tuple[str, ...]
    settings: Callable[[Config], Settings]
    work: Callable[[Run], Record]
    leaves: Callable[[Record], Sequence[str]]
    needs: Callable[[Config], tuple[str, ...]] = lambda config: ()
    outside: Callable[[OutsideInput], Any] = lambda outside: None
    is_result: bool = False
    is_whole: Callable[[Config, Record], bool] = lambda config, record: True
    is_wanted: Callable[[Config], bool] = lambda config: True
    still_holds: Callable[[Run, Record], bool] = lambda run, record: True
    settles: Callable[[Config, Record], Config] = lambda config, record: config


def pick(section: Any, *names: str) -> Settings:
    """Some keys of a section of the configuration."""
    return {name: getattr(section, name) for name in names}
