"""A round: all animals of a broker at once in a virtual host of their own, one `check acks`, and what it named them."""

import json
import subprocess
import threading
import time
import traceback
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from ..contract.brokers import SECONDS_FOR_A_COMMAND, Node, Ran, command, rmqctl
from .animals import ANIMALS, Animal
from .cage import Cage, Keeper

SECONDS = 8
"""How long the check looks."""
SETTLING = 20
"""Seconds until the statistics of all clients have been renewed a few times."""


class Zoo(NamedTuple):
    """A broker: which of the animals can live there, and where it is reached. `amqp` ends in the port."""

    key: str
    http: str
    amqp: str
    mqtt_port: int = 0

    @classmethod
    def of(cls, node: Node) -> "Zoo":
        mqtt = 0 if node.key == "embedded" else node.port("mqtt")
        return cls(node.key, node.url, f"amqp://guest:guest@127.0.0.1:{node.port('amqp')}", mqtt)

    def animals(self) -> list[Animal]:
        return [animal for animal in ANIMALS if self.key in animal.where]


class Seen(NamedTuple):
    """What a round named: kinds by the name of the animal, and findings that are no animal's."""

    kinds: dict[str, set[str]]
    strays: list[Any]


def play(zoo: Zoo, number: int = 1, settling: float = SETTLING) -> Seen:
    """One round. Raises when an animal did not live as it should have."""
    vhost = f"zoo {number}/é"
    _run(zoo, "declare", "vhost", vhost)
    try:
        _run(zoo, "set_permissions", "-p", vhost, "guest", ".*", ".*", ".*")
        return _judged(zoo.animals(), _check(zoo, vhost, settling))
    finally:
        _run(zoo, "delete", "vhost", vhost, "--yes")


def _check(zoo: Zoo, vhost: str, settling: float) -> list[dict[str, Any]]:
    keeper = Keeper(zoo.amqp, vhost, threading.Event(), threading.Event(), zoo.mqtt_port)
    failed: list[str] = []
    threads = [threading.Thread(target=_live, args=(animal, keeper, failed)) for animal in zoo.animals()]
    for thread in threads:
        thread.start()
    try:
        time.sleep(settling)
        ran = _ringing(keeper.checking, "check", "acks", "-p", vhost, "--for", str(SECONDS), "-f", "json", url=zoo.http)
    finally:
        keeper.ended.set()
        keeper.checking.set()
        for thread in threads:
            thread.join()
    if failed:
        raise RuntimeError("\n".join(failed))
    if ran.exit not in (0, 1):
        raise RuntimeError(str(ran))
    found: list[dict[str, Any]] = json.loads(ran.text)["findings"]
    return found


def _ringing(bell: threading.Event, *words: str, url: str) -> Ran:
    """Runs rmqctl, and rings when it has taken its first look, of which it says so."""
    argv, env = command(*words, url=url)
    with subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stderr
        hint = running.stderr.readline()
        bell.set()
        out, errors = running.communicate(timeout=SECONDS_FOR_A_COMMAND)
    return Ran(tuple(argv), running.returncode, out, hint + errors)


def _live(animal: Animal, keeper: Keeper, failed: list[str]) -> None:
    try:
        animal.live(Cage(keeper, animal.name))
    except Exception:
        if not keeper.ended.is_set():
            failed.append(f"{animal.name}: {traceback.format_exc()}")


def _judged(animals: Iterable[Animal], found: Iterable[dict[str, Any]]) -> Seen:
    """By the queue's name, else by the client's: an animal's are called as it is, with something more perhaps."""
    kinds: dict[str, set[str]] = {animal.name: set() for animal in animals}
    strays = []
    for each in found:
        named = [name for name in kinds if (each["client"] or each["queue"] or "") == name]
        if named:
            kinds[named[0]].add(each["kind"])
        else:
            strays.append(each)
    return Seen(kinds, strays)


def _run(zoo: Zoo, *words: str) -> Ran:
    ran = rmqctl(*words, url=zoo.http)
    if ran.exit:
        raise RuntimeError(str(ran))
    return ran


class Tally(NamedTuple):
    """What became of an animal in all rounds of a broker."""

    animal: Animal
    named: Counter[str]
    rounds: int

    @property
    def right(self) -> int:
        return self.rounds - self.missed - self.wrong

    @property
    def missed(self) -> int:
        return self.named[""] if self.animal.kinds else 0

    @property
    def wrong(self) -> int:
        return sum(number for kind, number in self.named.items() if kind and kind not in self.animal.kinds)


def tallied(animals: Iterable[Animal], rounds: Sequence[Seen]) -> list[Tally]:
    return [
        Tally(animal, Counter(_one(animal, seen.kinds[animal.name]) for seen in rounds), len(rounds))
        for animal in animals
    ]


def _one(animal: Animal, kinds: Collection[str]) -> str:
    """What it was named, a wrong kind before a right one; nothing when it was not named."""
    return next(iter(sorted(set(kinds) - animal.kinds)), next(iter(sorted(kinds)), ""))
