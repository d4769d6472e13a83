"""The simulation as tests: so many seeds hold, a seed always says the same, and what is wrong is found out."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.simulation import faults
from tests.simulation.run import STEPS, Outcome, kind_of, run_many, run_one, shortest
from tests.simulation.shrink import shrink
from tests.simulation.simulation import new_folder
from tests.simulation.steps import Step, generate

pytestmark = pytest.mark.timeout(1200)
QUICK = 20
CHUNKS = 5
# Chunks of so many seeds, each of 100 steps. Many more are for an afternoon: python -m tests.simulation --seeds 0:100000
SEEDS = 100
# So many seeds at most are looked at until a fault is found.
_PATIENCE = 400
FOUND = json.loads(Path(__file__).with_name("found.json").read_text())


@pytest.fixture
def folder() -> Iterator[Path]:
    found = new_folder()
    yield found
    for each in found.iterdir():
        each.unlink()
    found.rmdir()


def _all_hold(outcomes: Sequence[Outcome]) -> None:
    failed = [each for each in outcomes if each.problem is not None]
    assert not failed, "\n".join(
        f"seed {each.seed}, step {each.steps}: {each.problem}\n    python -m tests.simulation --seeds {each.seed}:{each.seed + 1}"
        for each in failed[:5]
    )


def test_a_few_seeds_hold() -> None:
    _all_hold(run_many(range(1_000_000, 1_000_000 + QUICK), STEPS))


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_seeds_hold(chunk: int) -> None:
    _all_hold(run_many(range(chunk * SEEDS, (chunk + 1) * SEEDS), STEPS))


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_once(name: str, folder: Path) -> None:
    """Sequences that a broker has failed on."""
    outcome = run_one(1, [Step.of(each) for each in FOUND[name]], folder)
    assert outcome.problem is None


def test_the_same_seed_says_the_same(folder: Path) -> None:
    """Every byte in and out, twice in this process and once in another with other hashes."""
    seeds = range(2_000_000, 2_000_010)
    first, second = ([run_one(seed, generate(seed, STEPS), folder).digest for seed in seeds] for _ in range(2))
    assert first == second
    program = (
        "from tests.simulation.run import *; import json, sys\n"
        f"print(json.dumps([each.digest for each in run_many(range({seeds.start}, {seeds.stop}), {STEPS})]))"
    )
    other = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "4711", "PYTHONPATH": ":".join(sys.path)},
    )
    assert json.loads(other.stdout) == first


def test_steps_can_be_read_back() -> None:
    steps = generate(7, 60)
    assert [Step.of(json.loads(json.dumps(each.plain()))) for each in steps] == steps


def test_shrinking_leaves_what_is_needed() -> None:
    steps = [Step("a", (number,)) for number in range(40)]

    def fails(some: Sequence[Step]) -> bool:
        return sum(each.numbers[0] >= 5 for each in some) >= 2

    found = shrink(steps, fails)
    assert len(found) == 2


@pytest.mark.parametrize("fault", faults.ALL, ids=lambda fault: fault.__name__)
def test_a_fault_is_found(
    fault: Callable[[pytest.MonkeyPatch], str], monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    """Each makes the broker do something wrong, and names words of which the violation must have one."""
    words = fault(monkeypatch).split("|")
    for seed in range(_PATIENCE):
        steps = generate(seed, STEPS)
        outcome = run_one(seed, steps, folder)
        if outcome.problem is None:
            continue
        assert any(word in outcome.problem for word in words), outcome.problem
        found = shortest(outcome, steps, folder)
        assert len(found) <= 14, [str(each) for each in found]
        again = run_one(seed, found, folder).problem
        assert again is not None
        assert kind_of(again)[:30] == kind_of(outcome.problem)[:30]
        return
    pytest.fail(f"{fault.__name__} was not found in {_PATIENCE} seeds")
