"""Conversations over AMQP, in process: `python -m tests.fuzz.amqp --seed N --count 1000000 --jobs 2`.

With `--number` one of them, with every move; with `--moves` those given, as a failure prints them.
"""

import argparse
import gc
import json
import re
import shutil
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.fuzz.judge import judge
from tests.fuzz.moves import Move, dumped, loaded
from tests.fuzz.mutations import conversation
from tests.fuzz.shrink import shrink
from tests.fuzz.worlds import alarm
from tests.simulation.simulation import new_folder

# One in so many has a broker with a disk, and a restart.
_STORED = 16
_SLICE = 500
# Examples of a kind that are kept.
_EXAMPLES = 1


class Failure(NamedTuple):
    number: int
    problem: str


def is_stored(number: int) -> bool:
    return number % _STORED == 0


def try_some(seed: int, numbers: range) -> list[Failure]:
    """The conversations of these numbers, one after the other."""
    folder, found = new_folder(), []
    collecting = gc.isenabled()
    gc.disable()
    try:
        with alarm():
            for number in numbers:
                problem = judge(conversation(seed, number), folder, stored=is_stored(number))
                if problem is not None:
                    found.append(Failure(number, problem))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if collecting:
            gc.enable()
        gc.collect()
    return found


def kind_of(problem: str) -> str:
    """What a problem has in common with others of its kind: no numbers, no bytes."""
    return re.sub(r"[0-9a-f]{8,}|\d+|b?'[^']*'", "*", problem)[:90]


def shortest(moves: Sequence[Move], problem: str, folder: Path, *, stored: bool) -> list[Move]:
    """Those that fail in the same way."""
    kind = kind_of(problem)[:60]

    def fails(some: Sequence[Move]) -> bool:
        found = judge(some, folder, stored=stored)
        return found is not None and kind_of(found)[:60] == kind

    return shrink(moves, fails)


def report(seed: int, failure: Failure, folder: Path) -> str:
    """What went wrong, by which shortest moves, and how to see it again."""
    stored = is_stored(failure.number)
    with alarm():
        found = shortest(conversation(seed, failure.number), failure.problem, folder, stored=stored)
    lines = [f"seed {seed}, number {failure.number}: {failure.problem}", *(f"    {each}" for each in found)]
    lines.append(f"python -m tests.fuzz.amqp --seed {seed} --number {failure.number}")
    lines.append(f"python -m tests.fuzz.amqp {'--stored ' if stored else ''}--moves '{dumped(found)}'")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    folder = new_folder()
    try:
        if options.moves is not None:
            return _replay(loaded(json.loads(options.moves)), options.stored, folder)
        if options.number is not None:
            return _replay(conversation(options.seed, options.number), is_stored(options.number), folder)
        return _many(options, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.amqp", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("--count", type=int, default=10_000, metavar="N", help="conversations")
    parser.add_argument("--start", type=int, default=0, metavar="N", help="the number of the first one")
    parser.add_argument("--jobs", type=int, default=1, metavar="J", help="processes")
    parser.add_argument("--seconds", type=float, default=float("inf"), metavar="S", help="begin no more after so long")
    parser.add_argument("--number", type=int, metavar="N", help="this conversation only, with every move")
    parser.add_argument("--moves", metavar="JSON", help="these moves only")
    parser.add_argument("--stored", action="store_true", help="with --moves: on a broker with a disk")
    parser.add_argument(
        "--kinds", type=int, default=8, metavar="N", help="shrink the first of so many kinds of failures"
    )
    return parser.parse_args(arguments)


def _replay(moves: Sequence[Move], stored: bool, folder: Path) -> int:
    for each in moves:
        print(each)
    with alarm():
        problem = judge(moves, folder, stored=stored)
    print(problem or "nothing went wrong")
    return 1 if problem else 0


def _many(options: argparse.Namespace, folder: Path) -> int:
    began = time.monotonic()
    slices = [
        range(start, min(start + _SLICE, options.start + options.count))
        for start in range(options.start, options.start + options.count, _SLICE)
    ]
    failures: list[Failure] = []
    done = 0
    with ProcessPoolExecutor(options.jobs) as pool:
        waves = [slices[at : at + options.jobs * 4] for at in range(0, len(slices), options.jobs * 4)]
        for wave in waves:
            if time.monotonic() - began > options.seconds:
                break
            for found in pool.map(try_some, [options.seed] * len(wave), wave):
                failures += found
            done += sum(map(len, wave))
    spent = time.monotonic() - began
    print(
        f"seed {options.seed}: {done} conversations in {spent:.0f} s ({done / spent:.0f} a second), {len(failures)} failed"
    )
    kinds = Counter(kind_of(each.problem) for each in failures)
    for kind, times in kinds.most_common(options.kinds):
        example = next(each for each in failures if kind_of(each.problem) == kind)
        print(f"\n{times} like this:\n{report(options.seed, example, folder)}", flush=True)
    for kind, times in kinds.most_common()[options.kinds :]:
        print(f"\n{times} of {kind}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
