"""Runs seeds, counts, and tells of each failure what was violated and by which shortest sequence of steps."""

import argparse
import gc
import json
import logging
import re
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.simulation.shrink import shrink
from tests.simulation.simulation import Simulation, Trace, new_folder
from tests.simulation.steps import Step, generate

STEPS = 100


class Outcome(NamedTuple):
    """`problem` is None when everything was as it should be; `digest` is of every byte that went in and out."""

    seed: int
    steps: int
    problem: str | None
    digest: str


def run_one(
    seed: int, steps: Sequence[Step], folder: Path, tolerated: Iterable[str] = (), trace: Trace | None = None
) -> Outcome:
    simulation = Simulation(seed, folder, trace, tolerated)
    problem = None
    try:
        simulation.run(steps)
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
        if trace is not None:
            logging.getLogger(__name__).exception("step %d", simulation.done)
    return Outcome(seed, simulation.done, problem, simulation.world.digest.hexdigest())


def kind_of(problem: str) -> str:
    """What a problem has in common with others of its kind: no names, no numbers."""
    return re.sub(r"\b[a-z]?\d+\.*\b|b'[^']*'", "*", problem)[:100]


def shortest(outcome: Outcome, steps: Sequence[Step], folder: Path, tolerated: Iterable[str] = ()) -> list[Step]:
    """The shortest sequence that fails in the same way."""
    kind = kind_of(outcome.problem or "")[:30]

    def fails(some: Sequence[Step]) -> bool:
        problem = run_one(outcome.seed, some, folder, tolerated).problem
        return problem is not None and kind_of(problem)[:30] == kind

    return shrink(steps[: outcome.steps + 1], fails)


def run_many(seeds: range, steps: int, tolerated: Sequence[str] = (), seconds: float | None = None) -> list[Outcome]:
    """In this process, one after the other; `seconds`: as many as there is time for."""
    folder = new_folder()
    logging.getLogger("rmqctl.broker").setLevel(logging.CRITICAL + 1)
    collecting = gc.isenabled()
    gc.disable()
    began = time.monotonic()
    found = []
    try:
        for seed in seeds:
            if seconds is not None and time.monotonic() - began > seconds:
                break
            found.append(run_one(seed, generate(seed, steps), folder, tolerated))
            if seed % 50 == 0:
                gc.collect()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if collecting:
            gc.enable()
    return found


def report(outcome: Outcome, steps: int, tolerated: Sequence[str], folder: Path) -> str:
    """What was violated, the shortest sequence, and how to see it again."""
    found = shortest(outcome, generate(outcome.seed, steps), folder, tolerated)
    plain = json.dumps([each.plain() for each in found], separators=(",", ":"))
    options = f" --tolerate {','.join(tolerated)}" if tolerated else ""
    last = run_one(outcome.seed, found, folder, tolerated).problem
    lines = [f"seed {outcome.seed}, after {outcome.steps} steps: {outcome.problem}"]
    lines += [f"the shortest sequence, of {len(found)} steps: {last}", *(f"    {each}" for each in found)]
    lines.append(f"python -m tests.simulation --seed {outcome.seed}{options} --sequence '{plain}'")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    tolerated = [each for each in options.tolerate.split(",") if each]
    folder = new_folder()
    try:
        if options.seed is not None:
            return _replay(options, tolerated, folder)
        return _many(options, tolerated, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", default="0:100", metavar="A:B", help="from A up to, but without, B")
    parser.add_argument("--steps", type=int, default=STEPS, metavar="N", help="of each seed")
    parser.add_argument("--seconds", type=float, metavar="S", help="begin no further seed after so long")
    parser.add_argument("--jobs", type=int, default=1, metavar="J", help="processes")
    parser.add_argument("--seed", type=int, metavar="N", help="run this one only, and tell everything")
    parser.add_argument("--sequence", metavar="JSON", help="with --seed: the steps, instead of those of the seed")
    parser.add_argument("--tolerate", default="", metavar="NAMES", help="known deviations, with commas between them")
    parser.add_argument(
        "--kinds", type=int, default=5, metavar="N", help="shrink the first of so many kinds of failures"
    )
    return parser.parse_args(arguments)


def _replay(options: argparse.Namespace, tolerated: Sequence[str], folder: Path) -> int:
    logging.basicConfig(level=logging.ERROR)
    steps = generate(options.seed, options.steps)
    if options.sequence:
        steps = [Step.of(each) for each in json.loads(options.sequence)]
    outcome = run_one(options.seed, steps, folder, tolerated, print)
    print(outcome.problem or f"{outcome.steps} steps, nothing was violated", outcome.digest)
    return 1 if outcome.problem else 0


def _many(options: argparse.Namespace, tolerated: Sequence[str], folder: Path) -> int:
    first, last = map(int, options.seeds.split(":"))
    seeds = range(first, last)
    began = time.monotonic()
    parts = [seeds[place :: options.jobs] for place in range(options.jobs)]
    if options.jobs > 1:
        with ProcessPoolExecutor(options.jobs) as pool:
            going = [pool.submit(run_many, part, options.steps, tolerated, options.seconds) for part in parts]
            found = [each for part in going for each in part.result()]
    else:
        found = run_many(seeds, options.steps, tolerated, options.seconds)
    spent = time.monotonic() - began
    done = sum(each.steps for each in found)
    failed = [each for each in found if each.problem]
    print(f"{len(found)} seeds, {done} steps in {spent:.1f} s ({done / spent:.0f} a second), {len(failed)} failed")
    kinds = Counter(kind_of(each.problem or "") for each in failed)
    logging.getLogger("rmqctl.broker").setLevel(logging.CRITICAL + 1)
    for kind, times in kinds.most_common(options.kinds):
        example = next(each for each in failed if kind_of(each.problem or "") == kind)
        print(f"\n{times} like this:\n{report(example, options.steps, tolerated, folder)}")
    return 1 if failed else 0
