"""Read damaged files of every format: each must give a value or be refused in one short sentence.

    python -m tests.fuzz.readers --seed 1 --cases 100000 --processes 2

prints one row per format: tried, answered, refused, lost. A case is lost if the reader raises anything but
a VecmillError of exit code 3, takes more than 5 seconds, needs more memory than the bound, warns, or ends
the process. The inputs of lost cases are kept. `--case N` runs one case again and shows its error. The exit
code is 1 if a case is lost.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import NamedTuple

# Arrow's other allocators reserve more address space than the bound leaves.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

from tests.fuzz.mutations import mutated
from tests.fuzz.subjects import Subject, subjects
from vecmill.errors import InputError, VecmillError

SECONDS_PER_CASE = 5
# A process that does not even notice its alarm is killed.
SECONDS_OF_SILENCE = 20
# Address space for one case, beyond that of the idle process.
MEMORY_PER_CASE = 1 << 30
MOST_MESSAGE = 700
MOST_KEPT = 5


class Outcome(NamedTuple):
    """What became of a case: "answered", "refused" or "lost", and the message or the traceback."""

    case: int
    subject: str
    result: str
    text: str


class Lost(NamedTuple):
    """A lost case and the folder of its files."""

    outcome: Outcome
    folder: Path


def case_files(subject: Subject, seed: int, case: int) -> dict[str, bytes]:
    """The files of a case: those of its subject, one of them damaged, most often the first."""
    random_ = random.Random(f"{seed}/{case}")
    names = list(subject.files)
    damaged = names[0] if random_.random() < 0.8 else random_.choice(names)
    return {
        name: mutated(content, random_) if name == damaged else content
        for name, content in subject.files.items()
    }


def write_files(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def run_case(subject: Subject, folder: Path, seed: int, case: int) -> Outcome:
    """Write the files of a case and read them. Raises nothing but what ends the process."""
    write_files(folder, case_files(subject, seed, case))
    try:
        subject.read(folder)
    except VecmillError as error:
        fault = wrong_refusal(error)
        if fault is None:
            return Outcome(case, subject.name, "refused", str(error))
        return Outcome(case, subject.name, "lost", f"{fault}: {str(error)[:2000]}")
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return Outcome(case, subject.name, "lost", "".join(traceback.format_exception(error))[-3000:])
    return Outcome(case, subject.name, "answered", "")


def wrong_refusal(error: VecmillError) -> str | None:
    """What is wrong with the message of a refusal; None if it is right."""
    message = str(error)
    if not isinstance(error, InputError):
        return f"exit code {error.exit_code}"
    if "\n" in message or len(message) > MOST_MESSAGE:
        return "not one short sentence"
    return None


def limit(seconds: int, memory: int) -> None:
    """Let this process raise TimeoutError after `seconds` of a case, and MemoryError beyond `memory`."""

    def stop(number: int, frame: object) -> None:
        raise TimeoutError(f"more than {seconds} seconds")

    signal.signal(signal.SIGALRM, stop)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    used = pages * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + memory, resource.RLIM_INFINITY))


def work(seed: int, cases: range, results: Connection) -> None:
    """Run cases and send their outcomes; before each, its number."""
    warnings.filterwarnings("error", module="vecmill")
    all_subjects = subjects()
    with tempfile.TemporaryDirectory(prefix="vecmill-fuzz-", dir=memory_folder()) as scratch:
        for subject in all_subjects:
            # What is imported late is loaded before memory is limited.
            folder = Path(scratch) / "valid" / subject.name.replace("/", "-")
            write_files(folder, subject.files)
            subject.read(folder)
        limit(SECONDS_PER_CASE, MEMORY_PER_CASE)
        for case in cases:
            results.send(case)
            number = case % len(all_subjects)
            folder = Path(scratch) / str(number)
            signal.alarm(SECONDS_PER_CASE)
            try:
                outcome = run_case(all_subjects[number], folder, seed, case)
            except TimeoutError as error:
                outcome = Outcome(case, all_subjects[number].name, "lost", str(error))
            finally:
                signal.alarm(0)
            results.send(outcome)
    results.send(None)


def memory_folder() -> str | None:
    """A folder in memory, if there is one, so that no disk is worn out."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def run_all(seed: int, cases: int, processes: int) -> Iterator[Outcome]:
    """Run all cases in so many processes; a process that ends or hangs is replaced by another."""
    context = multiprocessing.get_context("spawn")
    names = [subject.name for subject in subjects()]
    waiting = [range(first, cases, processes) for first in range(processes)]
    running: dict[Connection, tuple[multiprocessing.process.BaseProcess, range, int, float]] = {}
    while waiting or running:
        while waiting:
            part = waiting.pop()
            if not len(part):
                continue
            receiver, sender = context.Pipe(duplex=False)
            process = context.Process(target=work, args=(seed, part, sender), daemon=True)
            process.start()
            sender.close()
            # The first message comes after the imports.
            running[receiver] = (process, part, part.start, time.monotonic() + 60)
        for receiver in wait(list(running), timeout=1):
            assert isinstance(receiver, Connection)
            process, part, case, _ = running[receiver]
            try:
                message = receiver.recv()
            except EOFError:
                process.join()
                lost = f"the process ended with code {process.exitcode}"
                yield Outcome(case, names[case % len(names)], "lost", lost)
                del running[receiver]
                waiting.append(range(case + processes, cases, processes))
                continue
            if message is None:
                del running[receiver]
                process.join()
            elif isinstance(message, int):
                running[receiver] = (process, part, message, time.monotonic())
            else:
                yield message
        for process, _, _, since in running.values():
            if time.monotonic() - since > SECONDS_OF_SILENCE:
                # Its pipe ends, so the case counts as lost.
                process.kill()


def format_table(outcomes: Counter[tuple[str, str]]) -> Iterator[str]:
    """One row per subject, and the sum."""
    names = list(dict.fromkeys(name for name, _ in sorted(outcomes)))
    results = ("answered", "refused", "lost")
    width = max(map(len, [*names, "all"]), default=0)
    yield f"{'':{width}}  {'tried':>8}" + "".join(f"  {result:>8}" for result in results)
    for name in [*names, "all"]:
        counts = [
            sum(count for (one, got), count in outcomes.items() if got == result and name in (one, "all"))
            for result in results
        ]
        yield f"{name:{width}}  {sum(counts):>8,}" + "".join(f"  {count:>8,}" for count in counts)


def keep(outcome: Outcome, seed: int, folder: Path) -> Lost:
    """Write the files of a lost case and what is known about it."""
    subject = next(subject for subject in subjects() if subject.name == outcome.subject)
    place = folder / f"case-{outcome.case}"
    write_files(place, case_files(subject, seed, outcome.case))
    (place / "LOST.txt").write_text(f"{outcome.subject}\n{outcome.text}\n", encoding="utf-8")
    return Lost(outcome, place)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases, print the table and the lost cases; 1 if there are any."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--case", type=int, help="run this case alone, in this process")
    chosen = parser.parse_args(arguments)
    if chosen.case is not None:
        return run_one(chosen.seed, chosen.case)
    began = time.monotonic()
    counts: Counter[tuple[str, str]] = Counter()
    lost: list[Lost] = []
    folder = Path(tempfile.mkdtemp(prefix="vecmill-lost-"))
    kept: Counter[str] = Counter()
    for outcome in run_all(chosen.seed, chosen.cases, chosen.processes):
        counts[outcome.subject, outcome.result] += 1
        if outcome.result == "lost" and kept[outcome.subject] < MOST_KEPT:
            kept[outcome.subject] += 1
            lost.append(keep(outcome, chosen.seed, folder))
    print("\n".join(format_table(counts)))
    print(f"{sum(counts.values()):,} cases of seed {chosen.seed} in {time.monotonic() - began:.0f} s")
    for outcome, place in lost:
        last_line = (outcome.text.strip().splitlines() or [""])[-1]
        print(f"lost: case {outcome.case} ({outcome.subject}), {place}: {last_line[:300]}")
    if not lost:
        folder.rmdir()
    return 1 if lost else 0


def run_one(seed: int, case: int) -> int:
    """Run a case and print all that is known about it."""
    all_subjects = subjects()
    subject = all_subjects[case % len(all_subjects)]
    folder = Path(tempfile.mkdtemp(prefix=f"vecmill-case-{case}-"))
    outcome = run_case(subject, folder, seed, case)
    print(f"{outcome.subject}: {outcome.result} {outcome.text}\nfiles: {folder}")
    return 1 if outcome.result == "lost" else 0


if __name__ == "__main__":
    sys.exit(main())
