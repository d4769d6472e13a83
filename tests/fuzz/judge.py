"""Whether a broker stays as it has to be for everybody else, whatever clients have said.

Nothing is raised where sockets and clocks call the broker, nothing is logged as an error, no call takes long; an innocent
client beside goes on; lists are JSON; what is to happen in time happens; of clients that are gone nothing is left; what
was kept is there after a restart, and can be taken, sent back and thrown away by anybody.

Several conversations have one broker, each a virtual host of its own. Their clients stay until the broker is looked at:
all of it then, once for all of them.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote_from_bytes

from tests.fuzz.innocent import Innocent, Problem, Visitor, check_frames
from tests.fuzz.moves import ASK, GO, LOSE, SAY, STOP, WAIT, Move
from tests.fuzz.worlds import Records, Stored, TooLong, Unstored, described, limited, watched_log
from tests.simulation.world import Link

VHOSTS = "/abcdefghijklmnopqrstuvwxyz"
"""Of the first conversation, of the second, and so on. All are as long: what a seed makes is the same in each."""
_LISTS = ("overview", "connections", "channels", "consumers", "queues", "bindings", "definitions")
# Until heartbeats, TTLs, consumer timeouts and the longest x-expires of the conversations have had their time, in seconds.
_LATER = (50.0, 4000.0)
_EXPIRED = 100_000.0
_GET = b'{"count":5,"ackmode":"ack_requeue_true","encoding":"auto"}'
_CALM = (b'PUT embedded/alarms/memory {"on":false}', b'PUT embedded/alarms/disk {"on":false}')
_AT_THE_SAME_TIME = 6
"""Queues of a virtual host whose messages are looked at."""
_SINGLE = 4
"""Connections that are asked for one by one: the list has them all."""
# One in so many virtual hosts is visited even when nothing is to be taken there.
_VISITED = 8
# Numbers of links: that of the innocent client, the first of others, and how many each conversation may use.
_INNOCENT, _FIRST, _LINKS = 1, 2, 10


def judge(conversations: Sequence[Sequence[Move]], folder: Path, *, stored: bool) -> str | None:
    """What is wrong with a broker after these conversations, each in its virtual host: see VHOSTS."""
    with watched_log() as records:
        world = (Stored if stored else Unstored)(1, folder)
        try:
            _Trial(world, records).run(conversations)
        except (Exception, TooLong) as error:
            return records.found[0] if records.found else described(error)
        finally:
            world.close()
    return records.found[0] if records.found else None


class _Trial:
    """`clients` are the links of those who talk, by number: those of the conversation that is going on."""

    def __init__(self, world: Stored, records: Records) -> None:
        self._world = world
        self._records = records
        self._heard: dict[int, list[bytes]] = {}
        """What each link was sent, by its number, since it was looked at."""
        self._clients: dict[int, Link] = {}
        self._unread: dict[Link, bytes] = {}
        self._vhosts: Sequence[str] = ()
        self._place = 0

    def run(self, conversations: Sequence[Sequence[Move]]) -> None:
        self._vhosts = VHOSTS[: len(conversations)]
        with limited():
            innocent = self._newcomer()
            self._world.add_vhosts(self._vhosts[1:])
        # A clock that goes on, or back, would end what others have begun.
        for place in sorted(range(len(conversations)), key=lambda each: not _takes_time(conversations[each])):
            with limited():
                self._talk(place, conversations[place])
            if self._records.found:
                return
        with limited():
            self._verdict(innocent)

    def _verdict(self, innocent: Innocent) -> None:
        innocent.works()
        body = innocent.starts_waiting()
        self._lists_are_sound()
        self._wait(_LATER[0])
        innocent.has_waited(body)
        for seconds in _LATER[1:]:
            self._wait(seconds)
        for link in list(self._world.links.values()):
            if link is not innocent.link:
                self._lose(link)
        self._wait(_EXPIRED)
        self._nothing_is_left(innocent.link)
        self._anybody_can_take()
        if self._world.restart():
            innocent = self._newcomer()
            self._anybody_can_take()
            self._lists_are_sound()
        innocent.works()

    # ----------------------------------------------------------------------------------------------------------- moves

    def _talk(self, place: int, moves: Sequence[Move]) -> None:
        """One conversation, in its virtual host."""
        self._place = place
        self._clients = {}
        self._world.number_links(_FIRST + place * _LINKS)
        for move in moves:
            self._do(move)
            if self._records.found:
                return
        if self._world.broker.alarmed:
            for each in _CALM:
                self._administrate(each)
        self._read()
        self._world.pump()
        self._listen(self._world.links.values())
        self._frames_are_sound()

    def _do(self, move: Move) -> None:
        world = self._world
        if move.kind == SAY:
            link = self._clients.get(move.client)
            if link is None:
                link = self._clients[move.client] = world.connect()
            self._unread[link] = self._unread.get(link, b"") + move.data
        elif move.kind in (STOP, GO):
            if (link := self._clients.get(move.client)) and not link.lost:
                world.hold(link, move.kind == STOP)
        elif move.kind == ASK:
            self._administrate(self._here(move.data))
        elif move.kind == LOSE:
            if link := self._clients.pop(move.client, None):
                self._lose(link)
        else:
            self._wait(move.seconds)
        self._read()
        world.pump()
        self._listen(self._clients.values())

    def _here(self, data: bytes) -> bytes:
        """What is asked of the virtual host / and of the connection that is made first, where they are others."""
        vhost = quote_from_bytes(self._vhosts[self._place].encode(), safe="").encode()
        first, here = (b"%d" % (50_000 + _FIRST + each * _LINKS) for each in (0, self._place))
        return data.replace(b"%2F", vhost).replace(first, here)

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
        self._listen([link])
        self._world.links.pop(link.number, None)

    def _wait(self, seconds: float) -> None:
        self._world.pass_time(seconds)
        self._world.tick()
        self._world.pump()
        self._listen(self._world.links.values())

    def _listen(self, links: Iterable[Link]) -> None:
        for link in links:
            if link.connection.out:
                self._heard.setdefault(link.number, []).extend(link.connection.take())

    def _newcomer(self) -> Innocent:
        self._world.number_links(_INNOCENT)
        return Innocent(self._world, self._fetch)

    def _fetch(self, link: Link) -> bytes:
        self._listen([link])
        return b"".join(self._heard.pop(link.number, ()))

    # ---------------------------------------------------------------------------------------------------------- verdicts

    def _frames_are_sound(self) -> None:
        """What is sent has to be frames; the innocent client looks at its own."""
        for number in self._heard.keys() - {_INNOCENT}:
            check_frames(b"".join(self._heard.pop(number)))

    def _lists_are_sound(self) -> None:
        for path in _LISTS:
            self._ask("GET", path)
        some = [each for each in self._world.broker.connections if each.is_open][:_SINGLE]
        for connection in some:
            self._ask("GET", f"connections/{quote_from_bytes(connection.name.encode(), safe='')}")

    def _ask(self, method: str, path: str, body: bytes = b"") -> Any:
        response = self._world.ask(method, path, body)
        if response.status != 200:
            raise Problem(f"{method} {path.partition('/')[0]} answers {response.status} {response.body[:100]!r}")
        try:
            return json.loads(response.body.decode(), parse_constant=_no_number)
        except ValueError as error:
            raise Problem(f"{method} {path.partition('/')[0]} answers what is no JSON: {error}") from None

    def _nothing_is_left(self, innocent: Link) -> None:
        """Of those who are gone."""
        broker, links = self._world.broker, self._world.links
        self._frames_are_sound()
        if list(links.values()) != [innocent]:
            raise Problem(f"{len(links)} sockets are left")
        found = self._world.fits_together()
        found += [f"connection {each.name} is left" for each in broker.connections if each is not innocent.connection]
        for vhost in broker.vhosts.values():
            owners = set(vhost._exclusive) - {innocent.connection}
            found += [f"{len(owners)} connections have exclusive queues"] if owners else []
            for queue in vhost.queues.values():
                if queue.owner not in (None, innocent.connection):
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
        self._world.number_links(_FIRST + len(VHOSTS) * _LINKS)
        for place, name in enumerate(self._vhosts):
            vhost = self._world.broker.vhosts[name]
            queues = [queue for queue in vhost.queues.values() if queue.ready.count and not queue.exclusive]
            waiting = {}
            for queue in queues[:_AT_THE_SAME_TIME]:
                text = queue.name.encode("utf-8", "surrogateescape")
                waiting[text] = queue.ready.count
                if not queue.is_lockable():
                    path = f"queues/{quote_from_bytes(name.encode(), safe='')}/{quote_from_bytes(text, safe='')}/get"
                    self._ask("POST", path, _GET)
            if waiting or place % _VISITED == 0:
                self._visit(name.encode(), waiting)

    def _visit(self, vhost: bytes, queues: Mapping[bytes, int]) -> None:
        visitor = Visitor(self._world, self._fetch, vhost)
        visitor.works()
        for channel, (queue, messages) in enumerate(queues.items(), 2):
            visitor.takes(channel, queue, messages)
        visitor.leaves()
        self._lose(visitor.link)


def _takes_time(moves: Sequence[Move]) -> bool:
    return any(each.kind == WAIT for each in moves)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
