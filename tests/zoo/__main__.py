"""python -m tests.zoo [--broker embedded|310|43 ...] [--rounds N]: how often `check acks` is right.

The real brokers are those of tests/brokers/up. The table of docs/acks.md is written anew after a run on all three.
"""

import argparse
import contextlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path

from ..contract.brokers import embedded, running_node
from .animals import EVERYWHERE
from .rounds import Seen, Tally, Zoo, play, tallied

PAGE = Path(__file__).parents[2] / "docs" / "acks.md"
MARKS = ("<!-- zoo: begin -->", "<!-- zoo: end -->")
NAMES = {"embedded": "embedded", "310": "3.10.8", "43": "4.3.6"}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.zoo", description=__doc__)
    parser.add_argument("--broker", action="append", choices=sorted(EVERYWHERE), help="may be given several times")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument(
        "--at-once", type=int, default=1, help="rounds side by side on a broker; the brokers always are"
    )
    words = parser.parse_args()
    keys = words.broker or list(NAMES)
    with ProcessPoolExecutor(len(keys)) as pool:
        run = partial(_run, rounds=words.rounds, at_once=words.at_once)
        found = dict(zip(keys, pool.map(run, keys), strict=True))
    table = "\n".join(_table(found))
    print(table)
    if set(found) == EVERYWHERE:
        _write(table, words.rounds)
    return int(any(each.missed or each.wrong for tallies in found.values() for each in tallies))


def _run(key: str, rounds: int, at_once: int) -> list[Tally]:
    with _zoo(key) as zoo, ThreadPoolExecutor(at_once) as pool:
        seen = list(pool.map(lambda number: _told(zoo, number), range(1, rounds + 1)))
        return tallied(zoo.animals(), seen)


def _told(zoo: Zoo, number: int) -> Seen:
    """A round, of which standard error tells what was not right."""
    seen = play(zoo, number)
    for each in tallied(zoo.animals(), [seen]):
        if each.missed or each.wrong:
            print(
                f"{zoo.key} round {number}: {each.animal.name}: {sorted(seen.kinds[each.animal.name])}", file=sys.stderr
            )
    for stray in seen.strays:
        print(f"{zoo.key} round {number}: {stray}", file=sys.stderr)
    print(f"{zoo.key} round {number}: done", file=sys.stderr)
    return seen


@contextlib.contextmanager
def _zoo(key: str) -> Iterator[Zoo]:
    with embedded() if key == "embedded" else running_node(key) as node:
        yield Zoo.of(node)


def _table(found: Mapping[str, Sequence[Tally]]) -> Iterator[str]:
    """A row for each animal: as what it is to be named, and how often it was on each broker."""
    yield f"| client | named as | {' | '.join(NAMES[key] for key in found)} |"
    yield f"|---|---|{'---|' * len(found)}"
    by_name: dict[str, dict[str, Tally]] = {}
    for key, tallies in found.items():
        for each in tallies:
            by_name.setdefault(each.animal.name, {})[key] = each
    for name, row in by_name.items():
        wanted = ", ".join(sorted(next(iter(row.values())).animal.kinds)) or "not named"
        yield f"| {name} | {wanted} | {' | '.join(_cell(row.get(key)) for key in found)} |"


def _cell(tally: Tally | None) -> str:
    if tally is None:
        return ""
    parts = [f"{tally.right} of {tally.rounds}"]
    if tally.missed:
        parts.append(f"missed {tally.missed}")
    if tally.wrong:
        parts.append(f"named wrongly {tally.wrong}")
    return ", ".join(parts)


def _write(table: str, rounds: int) -> None:
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    text = f"{rounds} rounds on each broker. A cell says how often the client was judged right.\n\n{table}"
    PAGE.write_text(f"{before}{MARKS[0]}\n{text}\n{MARKS[1]}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
