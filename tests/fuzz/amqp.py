"""Conversations over AMQP, in process: `python -m tests.fuzz.amqp --seed N --count 1000000 --jobs 2`.

Several have one broker together, which is looked at when they have all been said. When it does not hold, each of them is
tried on a broker of its own; when no single one fails there, as few of them as fail together.

With `--number` one of them, or several together, with every move; with `--moves` those given, as a failure prints them.
"""

import argparse
import gc
import json
import re
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.fuzz.judge import VHOSTS, judge
from tests.fuzz.moves import Move, dumped, loaded
from tests.fuzz.mutations import conversation
from tests.fuzz.shrink import shrink
from tests.fuzz.worlds import alarm
from tests.simulation.simulation import new_folder

# One in so many has a broker with a disk, and a restart.
_STORED = 16
_SLICE = 1024
TOGETHER = 16


class Failure(NamedTuple):
    """`numbers`: of one conversation, or of those that fail together."""

    numbers: tuple[int, ...]
    problem: str


def is_stored(number: int) -> bool:
    return number % _STORED == 0


def try_some(seed: int, numbers: Iterable[int]) -> list[Failure]:
    """The conversations of these numbers."""
    by_kind: dict[bool, list[int]] = {True: [], False: []}
    for number in numbers:
        by_kind[is_stored(number)].append(number)
    folder, found = new_folder(), []
    collecting = gc.isenabled()
    gc.disable()
    try:
        with alarm():
            for some in by_kind.values():
                for at in range(0, len(some), TOGETHER):
                    found += _failures(seed, tuple(some[at : at + TOGETHER]), folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if collecting:
            gc.enable()
        gc.collect()
    return found


def try_together(seed: int, numbers: Sequence[int], folder: Path) -> str | None:
    """What is wrong with a broker that has had these conversations: all are stored, or none is."""
    said = [conversation(seed, number, vhost) for number, vhost in zip(numbers, VHOSTS, strict=False)]
    return judge(said, folder, stored=is_stored(numbers[0]))


def _failures(seed: int, numbers: tuple[int, ...], folder: Path) -> list[Failure]:
    problem = try_together(seed, numbers, folder)
    if problem is None:
        return []
    alone = [(number, try_together(seed, (number,), folder)) for number in numbers]
    found = [Failure((number,), each) for number, each in alone if each is not None]
    return found or [_fewest(seed, Failure(numbers, problem), folder)]


def _fewest(seed: int, failure: Failure, folder: Path) -> Failure:
    """Each of them is needed."""
    for number in failure.numbers:
        fewer = tuple(each for each in failure.numbers if each != number)
        problem = try_together(seed, fewer, folder) if fewer else None
        if problem is not None:
            failure = Failure(fewer, problem)
    return failure


def kind_of(problem: str) -> str:
    """What a problem has in common with others of its kind: no numbers, no bytes."""
    return re.sub(r"[0-9a-f]{8,}|\d+|b?'[^']*'", "*", problem)[:90]


def shortest(moves: Sequence[Move], problem: str, folder: Path, *, stored: bool) -> list[Move]:
    """Those that fail in the same way."""
    kind = kind_of(problem)[:60]

    def fails(some: Sequence[Move]) -> bool:
        found = judge([some], folder, stored=stored)
        return found is not None and kind_of(found)[:60] == kind

    return shrink(moves, fails)


def report(seed: int, failure: Failure, folder: Path) -> str:
    """What went wrong, by which shortest moves when it takes one conversation, and how to see it again."""
    numbers = ",".join(map(str, failure.numbers))
    lines = [f"seed {seed}, number {numbers}: {failure.problem}"]
    again = [f"python -m tests.fuzz.amqp --seed {seed} --number {numbers}"]
    if len(failure.numbers) == 1:
        stored = is_stored(failure.numbers[0])
        with alarm():
            found = shortest(conversation(seed, failure.numbers[0]), failure.problem, folder, stored=stored)
        lines += [f"    {each}" for each in found]
        again.append(f"python -m tests.fuzz.amqp {'--stored ' if stored else ''}--moves '{dumped(found)}'")
    return "\n".join([*lines, *again])


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    folder = new_folder()
    try:
        if options.moves is not None:
            moves = loaded(json.loads(options.moves))
            return _replay([moves], lambda: judge([moves], folder, stored=options.stored))
        if options.number is not None:
            numbers = tuple(map(int, options.number.split(",")))
            said = [conversation(options.seed, number) for number in numbers]
            return _replay(said, lambda: try_together(options.seed, numbers, folder))
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
    parser.add_argument(
        "--number", metavar="N[,N...]", help="this conversation only, or these together, with every move"
    )
    parser.add_argument("--moves", metavar="JSON", help="these moves only")
    parser.add_argument("--stored", action="store_true", help="with --moves: on a broker with a disk")
    parser.add_argument(
        "--kinds", type=int, default=8, metavar="N", help="shrink the first of so many kinds of failures"
    )
    return parser.parse_args(arguments)


def _replay(said: Iterable[Sequence[Move]], judged: Callable[[], str | None]) -> int:
    for moves in said:
        print(*moves, "", sep="\n")
    with alarm():
        problem = judged()
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
            speed = done / (time.monotonic() - began)
            print(
                f"{done} of {options.count}, {len(failures)} failed, {speed:.0f} a second", file=sys.stderr, flush=True
            )
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
