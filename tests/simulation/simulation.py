"""Runs steps in a world, and holds every step against the model."""

import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from pamqp import commands

from tests.simulation.administration import Administration
from tests.simulation.client import Ears, Heard, Said, start
from tests.simulation.hearing import seen
from tests.simulation.model import Connection, Violation
from tests.simulation.rules import REPLY_TO
from tests.simulation.steps import CLIENTS, USERS, Speaker, Step
from tests.simulation.world import Link, World

Trace = Callable[[str], None]
# A full comparison is made after so many steps, and at the end.
_FULL = 20
# How long each event takes: no two of them are at the same time.
_MOMENT = 0.000013


class Client:
    """A client as the simulation has it: its socket, and what it has not sent of what it says."""

    def __init__(self, link: Link, connection: Connection) -> None:
        self.link = link
        self.connection = connection
        self.ears = Ears()
        self.unsent: list[tuple[Said, int]] = []
        """What it has begun to say, and how many bytes of each are to be sent."""
        self.bytes = b""


class Simulation:
    """One run. Raises Violation; `done` counts the steps that were taken."""

    def __init__(self, seed: int, folder: Path, trace: Trace | None = None, tolerated: Iterable[str] = ()) -> None:
        self.trace = trace
        self.world = World(seed, folder, trace)
        self.model = Administration(self.world, tolerated)
        self.clients: list[Client | None] = [None] * CLIENTS
        self.disk = "good"
        self.bodies = 0
        self.done = 0
        self.world.http("PUT", "/api/users/alice", "guest", {"password": "alice", "tags": ""})
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        self.world.http("PUT", "/api/permissions/%2F/alice", "guest", everything)
        self.model.permissions["alice"] = (".*", ".*", ".*")

    def run(self, steps: Iterable[Step]) -> None:
        try:
            for step in steps:
                if self.trace is not None:
                    self.trace(f"--- {self.done} {step}")
                _STEPS[step.kind](self, step)
                self.done += 1
                if self.done % _FULL == 0:
                    self._compare_all()
            self._compare_all()
        finally:
            self.world.close()

    # --------------------------------------------------------------------------------------------------------- events

    def _event(self, apply: Callable[[], Any] | None, loose: bool = False) -> None:
        """Something has happened: what the broker did is held against the model; then timers and the disk get their turn."""
        model, world = self.model, self.world
        self._look(apply, loose=loose)
        world.now += _MOMENT
        world.tick()
        self._look(model.tick, loose=True)
        while world.begin_writes() and self.disk == "good":
            world.write()
        self._look(None)
        if world.stalled:
            raise Violation("the store has changes, and does not write them")
        if world.requests:
            model.answered(world.requests)
            world.forget_answered()
        if world.all_defined:
            model.all_defined()
        if world.idle:
            model.all_safe()
        for name, (ready, unacked, consumers) in world.counts().items():
            queue = model.queues.get(name)
            if queue is None:
                raise Violation(f"{name} should not be there")
            wanted = len(queue.ready), len(queue.held), len(queue.consumers)
            if (ready, unacked, consumers) != wanted:
                raise Violation(f"{name} has {ready} ready, {unacked} unacked, {consumers} consumers: not {wanted}")
        if len(world.counts()) != len(model.queues):
            raise Violation(f"there should be {sorted(model.queues)}")

    def _look(self, apply: Callable[[], Any] | None, loose: bool = False) -> None:
        told: list[tuple[str, bytes]] = []
        by_number = {each.link.number: each for each in self.clients if each is not None}
        for number, data in self.world.outputs():
            client = by_number.get(number)
            if client is not None:
                heard = client.ears.hear(data)
                client.connection.heard.extend(heard)
                if self.trace is not None:
                    for each in heard:
                        self.trace(f"  {number} > {each}")
                told += [(address, each.body) for each in heard if (address := _address(each))]
        self.model.begin(loose=loose)
        if apply is not None:
            apply()
        for address, body in told:
            self.model.learn(address, body)
        self.model.finish()
        self.model.follow(self.world.contents)

    # -------------------------------------------------------------------------------------------------------- clients

    def _client(self, step: Step) -> Client | None:
        """The client of a step, when it is connected and the broker reads from it."""
        client = self.clients[step.numbers[0] % CLIENTS]
        return client if client is not None and client.link.reads else None

    def _connect(self, step: Step) -> None:
        slot = step.numbers[0] % CLIENTS
        if self.clients[slot] is not None:
            return
        link = self.world.connect()
        connection = Connection(link.number, USERS[step.numbers[1] % len(USERS)])
        self.clients[slot] = Client(link, connection)
        self.model.connections[link.number] = connection
        data = start(connection.user)
        self._pieces(link, data, step.numbers[2] if len(step.numbers) > 2 else 0)
        self._event(lambda: self.model.connected(connection))
        self._tidy(slot)

    def _pieces(self, link: Link, data: bytes, cuts: int) -> None:
        at = cuts % max(len(data), 1)
        for piece in (data[:at], data[at:]):
            if piece:
                self.world.feed(link, piece)

    def _write(self, step: Step) -> None:
        client = self._client(step)
        if client is None:
            return
        connection = client.connection
        self._feed(client, len(client.bytes))
        if connection.closing:
            said = [Said(0, commands.Connection.CloseOk())]
        else:
            speaker = Speaker(connection, self.bodies, self.model.addresses)
            said = [each for inner in step.inner for each in speaker.say(inner)]
            self.bodies = speaker.bodies
        for each in said:
            data = each.encoded()
            client.bytes += data
            client.unsent.append((each, len(data)))
            if self.trace is not None:
                self.trace(f"  {client.link.number} < {each.channel} {each.method.name} {_fields(each)}")
        cuts, left = step.numbers[1:3]
        end = len(client.bytes) - (left % len(client.bytes) if left and client.bytes else 0)
        places = sorted({cuts * (1 + 7919 * place) % end for place in range(1 + cuts % 3)}) if cuts and end else []
        for start_at, stop_at in zip((0, *places), (*places, end), strict=True):
            self._feed(client, stop_at - start_at)
        self._tidy(step.numbers[0] % CLIENTS)

    def _feed(self, client: Client, size: int) -> None:
        """So many bytes reach the broker; what is whole by then has been said."""
        if not size or not client.link.reads:
            return
        data, client.bytes = client.bytes[:size], client.bytes[size:]
        whole = []
        while client.unsent and size >= client.unsent[0][1]:
            said, length = client.unsent.pop(0)
            size -= length
            whole.append(said)
        if size:
            said, length = client.unsent[0]
            client.unsent[0] = said, length - size
        self.world.feed(client.link, data)
        client.connection.just_closed.clear()

        def apply() -> None:
            for each in whole:
                self.model.apply(client.connection, each)

        self._event(apply)

    def _tidy(self, slot: int) -> None:
        """A client whose connection is over hangs up."""
        client = self.clients[slot]
        if client is not None and client.connection.over:
            self._hang_up(slot, client)

    def _hang_up(self, slot: int, client: Client) -> None:
        self.world.lose(client.link)
        self._event(lambda: self.model.lost(client.connection))
        self.model.connections.pop(client.link.number, None)
        self.clients[slot] = None

    def _drop(self, step: Step) -> None:
        slot = step.numbers[0] % CLIENTS
        client = self.clients[slot]
        if client is not None:
            self._hang_up(slot, client)

    def _leave(self, step: Step) -> None:
        client = self._client(step)
        if client is not None and not client.bytes:
            method: Any = commands.Connection.Close(200, "", 0, 0)
            if client.connection.closing:
                method = commands.Connection.CloseOk()
            said = Said(0, method)
            client.bytes = said.encoded()
            client.unsent = [(said, len(client.bytes))]
            self._feed(client, len(client.bytes))
            self._tidy(step.numbers[0] % CLIENTS)

    def _hold(self, step: Step, held: bool = True) -> None:
        client = self.clients[step.numbers[0] % CLIENTS]
        if client is not None:
            self.world.hold(client.link, held)

            def apply() -> None:
                client.connection.held = held
                self.model.room_again(client.connection)

            self._event(apply)

    # ----------------------------------------------------------------------------------------------------- all the rest

    def _http(self, step: Step) -> None:
        asked = self.model.ask(step.numbers, self.bodies)
        if asked is None:
            return
        self.bodies += 1
        method, path, user, body, judge = asked
        request = self.world.http(method, path, user, body)
        self._event(lambda: judge(request))
        for slot in range(CLIENTS):
            self._tidy(slot)

    def _time(self, step: Step) -> None:
        kind, amount = step.numbers[0] % 20, step.numbers[1]
        seconds = 0.0005 + amount / 10_007
        if kind == 0:
            seconds *= 100
        due = self.world.due()
        if kind in (1, 2, 3) and due is not None and due > self.world.now:
            seconds = due - self.world.now
        self.world.pass_time(seconds)
        self._event(None)

    def _back(self, step: Step) -> None:
        self.world.set_date(step.numbers[1] / 7919 * (1 if step.numbers[0] % 2 else -1))
        self._event(None)

    def _disk(self, step: Step) -> None:
        """A disk that holds back takes one batch; one that refuses tries."""
        self.world.wait_for_retry()
        if self.world.begin_writes():
            self.world.write()
        self._event(None)

    def _set_disk(self, kind: str) -> None:
        for client in self.clients:
            if client is not None:
                self._feed(client, len(client.bytes))
        self.disk = "good" if kind == "good" else "held"
        self.world.breaks(kind == "broken")
        self.world.fill(kind == "full")
        self.world.wait_for_retry()
        self._event(None)

    def _kill(self, step: Step, torn: bool = False) -> None:
        if torn:
            self.world.begin_writes()
        self.world.kill(step.numbers[0] * 1000 + step.numbers[1] if torn else None)
        self._restarted(clean=False)

    def _stop(self, step: Step) -> None:
        for slot, client in enumerate(self.clients):
            if client is not None:
                self.world.force(client.link)
                self._event(partial(self.model.forced, client.connection))
                self._hang_up(slot, client)
        self.world.stop()
        self._restarted(clean=True)

    def _restarted(self, clean: bool) -> None:
        self.clients = [None] * CLIENTS
        self.disk = "good"
        found = self.world.recovered
        self.world.tick()
        self._event(lambda: self.model.restart(found, clean, self.world.contents), loose=True)
        self._compare_all()

    def _compare_all(self) -> None:
        if problems := self.world.fits_together():
            raise Violation(f"inside the broker: {problems}")
        for name, queue in self.model.queues.items():
            wanted = seen(queue.ready)
            found = [(each.body, each.deaths) for each in self.world.contents(name)]
            if wanted != found:
                raise Violation(f"{name} should have {wanted}, and has {found}")
        self.model.compare(self.world)


def _address(heard: Heard) -> str | None:
    """Where a message says that a direct reply goes."""
    address = str((heard.properties or {}).get("reply_to", ""))
    return address if address.startswith(REPLY_TO + ".") else None


def _fields(said: Said) -> str:
    fields = {name: value for name, value in said.method if value not in (None, "", {}, False, 0)}
    return f"{fields} {said.properties} {said.body.decode()}" if said.properties is not None else str(fields)


_STEPS: dict[str, Callable[[Simulation, Step], None]] = {
    "connect": Simulation._connect,
    "write": Simulation._write,
    "drop": Simulation._drop,
    "leave": Simulation._leave,
    "hold": Simulation._hold,
    "go": lambda run, step: run._hold(step, held=False),
    "http": Simulation._http,
    "time": Simulation._time,
    "back": Simulation._back,
    "disk": Simulation._disk,
    "held": lambda run, _: run._set_disk("held"),
    "good": lambda run, _: run._set_disk("good"),
    "broken": lambda run, _: run._set_disk("broken"),
    "full": lambda run, _: run._set_disk("full"),
    "kill": Simulation._kill,
    "torn": lambda run, step: run._kill(step, torn=True),
    "stop": Simulation._stop,
}


def new_folder() -> Path:
    """In memory when there is such a place."""
    memory = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="simulation-", dir=memory if memory.is_dir() else None))
