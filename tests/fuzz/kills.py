"""Kills of a broker that is at work: `python -m tests.fuzz.kills --seed N --count 300`.

A broker runs as a process of its own. Several clients say things all the time, each of them in a home of its own (see
`homes`), and an administrator defines things over HTTP (see `offices`). The process is killed (SIGKILL) at any moment, also
while it starts and while it stops. Then it is started again, and everything that it has told the clients still has to be
so. A folder that fails is left for whoever looks into it.
"""

import argparse
import json
import re
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from pamqp import commands

from tests.fuzz.homes import Home, Thing
from tests.fuzz.offices import Office
from tests.simulation.administration import Administration
from tests.simulation.client import Ears, Heard, Said, start
from tests.simulation.inside import Kept
from tests.simulation.model import Binding, Violation

RMQCTL = (sys.executable, "-m", "rmqctl")
_HOMES = 4
# Seconds: until a broker has to be there, or to be gone, and how long clients are at work, at most.
_PATIENCE = 30.0
_WORK = 0.8
# Of the rounds, so many begin with a kill while the broker starts, or end with one while it stops, or without one.
_AT_START, _AT_STOP, _STOPPED = 0.2, 0.2, 0.05
# Bytes that may wait to be sent to the broker.
_WAITING = 1 << 16
_AT_ONCE = 50
"""Gets of the reader that wait for their answers."""


class Verdict(NamedTuple):
    """`kills`: at work, while it started, while it stopped; `seen`: what was answered, heard and found."""

    kills: Counter[str]
    seen: Counter[str]
    problem: str = ""


class Process:
    """A broker that runs; it is killed at the end of the block."""

    def __init__(self, folder: Path, log: Path) -> None:
        self._log = log
        command = [*RMQCTL, "broker", "run", "--data-dir", str(folder), "--amqp-port", "0", "--http-port", "0"]
        with log.open("ab") as errors:
            self._popen = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors)

    def wait_until_it_listens(self) -> tuple[int, int]:
        """Its ports. Raises Violation when it does not come up."""
        assert self._popen.stdout is not None
        line = self._popen.stdout.readline().decode()
        ports = re.findall(r":(\d+)(?:/|$)", line.strip())
        if len(ports) != 2:
            raise Violation(f"the broker does not start: {line!r} {self._log.read_text()[-2000:]}")
        return int(ports[0]), int(ports[1])

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        assert self._popen.stdout is not None
        self._popen.stdout.close()

    def kill(self) -> None:
        self._popen.kill()
        self._popen.wait()

    def terminate(self) -> None:
        self._popen.send_signal(signal.SIGTERM)

    def wait_until_it_is_gone(self) -> None:
        try:
            code = self._popen.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Violation("the broker does not stop") from None
        if code != 0:
            raise Violation(f"the broker stops with {code}")


class Traffic:
    """The homes and the office, with their sockets."""

    def __init__(self, clients: Iterable[tuple[Home | Office, int]]) -> None:
        self._sockets = {socket.create_connection(("127.0.0.1", port)): client for client, port in clients}
        self._selector = selectors.DefaultSelector()
        for each, client in self._sockets.items():
            client.connect()
            each.setblocking(False)
            self._selector.register(each, selectors.EVENT_READ | selectors.EVENT_WRITE, client)

    def close(self) -> None:
        self._selector.close()
        for each in self._sockets:
            each.close()

    def goes_on(self, seconds: float) -> None:
        """For so long, and until an answer has just come: what is told too early is found out then."""
        until = time.monotonic() + seconds
        while True:
            for key, events in self._selector.select(0.05):
                client: Home | Office = key.data
                if events & selectors.EVENT_READ:
                    if not _hear(key.fileobj, client):
                        raise Violation(f"the broker hangs up on {type(client).__name__}")
                    if time.monotonic() > until:
                        return
                if events & selectors.EVENT_WRITE:
                    if len(client.data) < _WAITING:
                        client.act()
                    if client.data:
                        client.data = client.data[key.fileobj.send(client.data) :]

    def ends(self) -> None:
        """The broker is gone: what it has said before is still to be heard."""
        for each, client in self._sockets.items():
            each.setblocking(True)
            while _hear(each, client):
                pass


def _hear(from_: Any, client: Home | Office) -> bool:
    """Whether there may be more."""
    try:
        data = from_.recv(1 << 18)
    except BlockingIOError:
        return True
    except ConnectionError:
        return False
    client.hear(data)
    return bool(data)


# ------------------------------------------------------------------------------------------------------ what is there


def definitions(port: int) -> Any:
    """What the broker says that it has, as a user sees it."""
    headers = {"authorization": "Basic " + b64encode(b"guest:guest").decode()}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/definitions", headers=headers)
    with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:
        return json.load(answer)


def things_of(document: Any) -> set[Thing]:
    found: set[Thing] = {(kind, each["name"]) for kind in ("queue", "exchange") for each in document[f"{kind}s"]}
    for each in document["bindings"]:
        found.add(Binding(each["source"], each["destination_type"], each["destination"], each["routing_key"]))
    return found


class Reader:
    """Gets all messages, and leaves: they wait again."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), _PATIENCE)
        self._ears = Ears()
        self._heard = self._listen()
        self._socket.sendall(start("guest"))
        self._say(commands.Channel.Open())
        self._hear_until("Channel.OpenOk")

    def contents(self, queue: str) -> list[Kept]:
        found: list[Kept] = []
        while True:
            for _ in range(_AT_ONCE):
                self._say(commands.Basic.Get(queue=queue))
            answers = [self._hear_until("Basic.GetOk", "Basic.GetEmpty") for _ in range(_AT_ONCE)]
            for heard in answers:
                if isinstance(heard.method, commands.Basic.GetOk):
                    found.append(Kept(heard.body, heard.method.redelivered, 0, 0, len(found), ()))
            if isinstance(answers[-1].method, commands.Basic.GetEmpty):
                return found

    def leave(self) -> None:
        self._say(commands.Connection.Close(200, "", 0, 0), 0)
        self._hear_until("Connection.CloseOk")

    def close(self) -> None:
        self._socket.close()

    def _say(self, method: Any, channel: int = 1) -> None:
        self._socket.sendall(Said(channel, method).encoded())

    def _hear_until(self, *names: str) -> Heard:
        return next(each for each in self._heard if each.method.name in names)

    def _listen(self) -> Iterator[Heard]:
        while data := self._socket.recv(1 << 18):
            yield from self._ears.hear(data)
        raise Violation("the broker hangs up on a reader")


# ------------------------------------------------------------------------------------------------------------- the run


class Run:
    """`folder` has the data, a copy of it as the last kill left it, and the log."""

    def __init__(self, seed: int, folder: Path) -> None:
        self._random = Random(f"kills {seed}")
        self._data, self._copy, self._log = folder / "data", folder / "as-it-was", folder / "broker.log"
        self._data.mkdir(mode=0o700)
        rules = Administration(_Nothing())
        self.homes = [Home(number, Random(f"home {seed} {number}"), rules) for number in range(_HOMES)]
        self.office = Office(Random(f"office {seed}"))
        self.kills: Counter[str] = Counter()

    def round(self) -> None:
        if self._random.random() < _AT_START:
            with Process(self._data, self._log):
                time.sleep(self._random.uniform(0, 1))
            self.kills["while it started"] += 1
        shutil.rmtree(self._copy, ignore_errors=True)
        shutil.copytree(self._data, self._copy)
        with Process(self._data, self._log) as process:
            amqp, http = process.wait_until_it_listens()
            document = definitions(http)
            self.office.restarted(document)
            with closing(Reader(amqp)) as reader:
                self._look(things_of(document), reader)
            with closing(Traffic([*((home, amqp) for home in self.homes), (self.office, http)])) as traffic:
                traffic.goes_on(self._random.uniform(0, _WORK))
                self._end(process, traffic)
        if found := re.findall(r"^Traceback.*|.* ERROR .*", self._log.read_text(errors="replace"), re.MULTILINE):
            raise Violation(f"the broker logs {found[0]}")

    def _end(self, process: Process, traffic: Traffic) -> None:
        chance = self._random.random()
        if chance < _STOPPED:
            process.terminate()
            traffic.ends()
            process.wait_until_it_is_gone()
            return
        if chance < _STOPPED + _AT_STOP:
            process.terminate()
            time.sleep(self._random.uniform(0, 0.1))
            self.kills["while it stopped"] += 1
        else:
            time.sleep(self._random.choice((0, self._random.uniform(0, 0.02))))
            self.kills["at work"] += 1
        process.kill()
        traffic.ends()

    def _look(self, things: set[Thing], reader: Reader) -> None:
        for home in self.homes:
            mine = {each for each in things if _owner(each) == f"home{home.number}"}
            queues = [each[1] for each in mine if each[0] == "queue"]
            things -= mine
            home.restarted(mine, {name: reader.contents(name) for name in queues})
        reader.leave()
        if things:
            raise Violation(f"nobody has declared {things}")

    @property
    def seen(self) -> Counter[str]:
        return sum((each.seen for each in (*self.homes, self.office)), Counter())


class _Nothing:
    """What the model may see of a broker that it does not look into."""

    now = date = 0.0


def _owner(thing: Thing) -> str:
    return (thing.destination if isinstance(thing, Binding) else thing[1]).partition(".")[0]


def run(folder: Path, *, seed: int, count: int, tell: Callable[[int], None] = lambda _: None) -> Verdict:
    """At least so many kills, and a look at what the last of them left. `tell` is called with how many there were."""
    trial = Run(seed, folder)
    problem = ""
    try:
        while trial.kills.total() < count:
            trial.round()
            tell(trial.kills.total())
        trial.round()
    except Violation as error:
        problem = f"after {trial.kills.total()} kills: {error}"
    return Verdict(trial.kills, trial.seen, problem)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.kills", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("--count", type=int, default=300, metavar="N", help="kills")
    options = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="kills-"))
    began = time.monotonic()

    def tell(kills: int) -> None:
        print(f"\r{kills} of {options.count}", end="", file=sys.stderr, flush=True)

    verdict = run(folder, seed=options.seed, count=options.count, tell=tell)
    print(file=sys.stderr)
    for what in (verdict.kills, verdict.seen):
        print(", ".join(f"{number} {name}" for name, number in what.most_common()))
    print(f"seed {options.seed}: {verdict.kills.total()} kills in {time.monotonic() - began:.0f} s")
    if verdict.problem:
        print(f"{verdict.problem}; see {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
