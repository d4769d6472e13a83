"""Whether a broker stays as it has to be for everybody else, whatever clients have said.

Nothing is raised where sockets and clocks call the broker, nothing is logged as an error, no call takes long; an innocent
client beside goes on; lists are JSON; what is to happen in time happens; of clients that are gone nothing is left; what
was kept is there after a restart, and can be taken, sent back and thrown away by anybody.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote_from_bytes

from tests.fuzz.innocent import Innocent, Problem, parsed
from tests.fuzz.moves import ASK, GO, LOSE, SAY, STOP, Move
from tests.fuzz.worlds import Records, Stored, TooLong, Unstored, described, limited, watched_log
from tests.simulation.world import Link

_LISTS = ("overview", "connections", "channels", "consumers", "queues", "bindings", "definitions")
# Until heartbeats, TTLs, consumer timeouts and the longest x-expires of the conversations have had their time, in seconds.
_LATER = (50.0, 4000.0)
_EXPIRED = 100_000.0
_GET = b'{"count":5,"ackmode":"ack_requeue_true","encoding":"auto"}'
_CALM = (b'PUT embedded/alarms/memory {"on":false}', b'PUT embedded/alarms/disk {"on":false}')
_AT_THE_SAME_TIME = 6
"""Queues whose messages are looked at."""


def judge(moves: Sequence[Move], folder: Path, *, stored: bool) -> str | None:
    """What is wrong with the broker after these moves."""
    with watched_log() as records:
        world = (Stored if stored else Unstored)(1, folder)
        try:
            with limited():
                _Trial(world, records).run(moves)
        except (Exception, TooLong) as error:
            return records.found[0] if records.found else described(error)
        finally:
            world.close()
    return records.found[0] if records.found else None


class _Trial:
    """`clients` are the links of those who talk, by number."""

    def __init__(self, world: Stored, records: Records) -> None:
        self._world = world
        self._records = records
        self._heard = b""
        """What the innocent client was sent."""
        self._clients: dict[int, Link] = {}
        self._unread: dict[Link, bytes] = {}
        self._innocent_number = 0
        self._innocent = self._newcomer()

    def run(self, moves: Sequence[Move]) -> None:
        for move in moves:
            self._do(move)
            if self._records.found:
                return
        for each in _CALM:
            self._administrate(each)
        self._read()
        self._innocent.works()
        body = self._innocent.starts_waiting()
        self._lists_are_sound()
        self._wait(_LATER[0])
        self._innocent.has_waited(body)
        for seconds in _LATER[1:]:
            self._wait(seconds)
        for link in self._clients.values():
            self._lose(link)
        self._wait(_EXPIRED)
        self._nothing_is_left()
        self._anybody_can_take()
        if self._world.restart():
            self._clients.clear()
            self._innocent = self._newcomer()
            self._anybody_can_take()
            self._lists_are_sound()
        self._innocent.works()

    # ----------------------------------------------------------------------------------------------------------- moves

    def _do(self, move: Move) -> None:
        world = self._world
        if move.kind == SAY:
            link = self._clients.get(move.client) or world.connect()
            self._clients[move.client] = link
            self._unread[link] = self._unread.get(link, b"") + move.data
        elif move.kind in (STOP, GO):
            if (link := self._clients.get(move.client)) and not link.lost:
                world.hold(link, move.kind == STOP)
        elif move.kind == ASK:
            self._administrate(move.data)
        elif move.kind == LOSE:
            if link := self._clients.pop(move.client, None):
                self._lose(link)
        else:
            self._wait(move.seconds)
        self._read()
        world.pump()
        self._listen()

    def _read(self) -> None:
        """The broker reads what there is, but from sockets that it has to leave alone."""
        for link in list(self._unread):
            if link.lost or link.connection.finished:
                del self._unread[link]
            elif link.reads:
                self._world.feed(link, self._unread.pop(link))

    def _administrate(self, data: bytes) -> None:
        method, path, body = (*data.split(b" ", 2), b"")[:3]
        response = self._world.ask(method.decode(), path.decode(), body)
        if response.status >= 500:
            raise Problem(f"{data.decode()} answers {response.status}")

    def _lose(self, link: Link) -> None:
        if not link.lost:
            self._world.lose(link)
        self._world.pump()
        self._listen()

    def _wait(self, seconds: float) -> None:
        self._world.pass_time(seconds)
        self._world.tick()
        self._world.pump()
        self._listen()

    def _listen(self) -> None:
        """What is sent has to be frames."""
        if not any(link.connection.out or link.lost for link in self._world.links.values()):
            return
        for number, data in self._world.outputs():
            parsed(data)
            if number == self._innocent_number:
                self._heard += data

    def _newcomer(self) -> Innocent:
        return Innocent(self._world, self._fetch)

    def _fetch(self, link: Link) -> bytes:
        self._innocent_number = link.number
        self._listen()
        heard, self._heard = self._heard, b""
        return heard

    # ---------------------------------------------------------------------------------------------------------- verdicts

    def _lists_are_sound(self) -> None:
        for path in _LISTS:
            self._ask("GET", path)
        for connection in list(self._world.broker.connections):
            if connection.is_open:
                self._ask("GET", f"connections/{quote_from_bytes(connection.name.encode(), safe='')}")

    def _ask(self, method: str, path: str, body: bytes = b"") -> Any:
        response = self._world.ask(method, path, body)
        if response.status != 200:
            raise Problem(f"{method} {path.partition('/')[0]} answers {response.status} {response.body[:100]!r}")
        try:
            return json.loads(response.body.decode(), parse_constant=_no_number)
        except ValueError as error:
            raise Problem(f"{method} {path.partition('/')[0]} answers what is no JSON: {error}") from None

    def _nothing_is_left(self) -> None:
        """Of those who are gone."""
        broker, links = self._world.broker, self._world.links
        if self._innocent.link.number not in links or len(links) != 1:
            raise Problem(f"{len(links)} sockets are left")
        found = self._world.fits_together()
        found += [
            f"connection {each.name} is left"
            for each in broker.connections
            if each is not self._innocent.link.connection
        ]
        vhost = broker.vhosts["/"]
        found += [f"{len(vhost._exclusive)} connections have exclusive queues"] if len(vhost._exclusive) > 1 else []
        for queue in vhost.queues.values():
            if queue.owner not in (None, self._innocent.link.connection):
                found.append("an exclusive queue is left")
            if queue.consumers and queue.owner is None:
                found.append("a consumer is left")
            if queue.unacked:
                found.append("an unacknowledged message is left")
        if broker.node.awaiting:
            found.append("somebody waits for the store")
        if found:
            raise Problem("; ".join(found[:3]))

    def _anybody_can_take(self) -> None:
        """Messages that others have left."""
        queues = [queue for queue in self._world.broker.vhosts["/"].queues.values() if not queue.exclusive]
        for queue in queues[:_AT_THE_SAME_TIME]:
            name = queue.name.encode("utf-8", "surrogateescape")
            if not queue.is_lockable():
                self._ask("POST", f"queues/%2F/{quote_from_bytes(name, safe='')}/get", _GET)
            self._innocent.takes(name)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
