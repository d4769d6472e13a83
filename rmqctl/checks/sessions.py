"""AMQP 1.0 has sessions and links where AMQP 0-9-1 has channels and consumers (https://www.rabbitmq.com/docs/amqp).

The broker tells how many deliveries of a session are unsettled, and how many each of its links was given.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from rmqctl.checks.forgotten import (
    CANCELS,
    FORGETTING,
    LEAK,
    STATISTICS_SECONDS,
    STUCK,
    WAITS,
    Finding,
    Window,
    on_timeout,
)
from rmqctl.checks.leaks import Growth, is_leak
from rmqctl.checks.snapshot import Place, Row, count, place
from rmqctl.resources import clients

CONNECTION_FIELDS = ("name", "protocol", "vhost", "user", "peer_host", "peer_port")
PROTOCOL = "AMQP 1-0"
_ADVICE = {
    STUCK: "its credit is used up: it gets nothing more until it settles some; find the path in its code that settles "
    "nothing, or close its connection to give the messages to others",
    FORGETTING: "find the path in its code that settles nothing; close its connection to give the messages to others",
    LEAK: "it settles fewer than it gets: find the path in its code that settles nothing; if it is only too slow for now, "
    "what it holds falls again when fewer messages come",
}


class Link(NamedTuple):
    """A link by which a session takes messages that have to be settled, in both samples.

    The numbers are the session's; `given`: between the samples. `has_credit`: it may be given more.
    """

    session: Row
    at: Place
    tag: str
    unsettled_before: int
    unsettled: int
    given: int
    given_ever: int
    has_credit: bool

    @property
    def settled(self) -> int:
        return self.given - (self.unsettled - self.unsettled_before)


def of_connection(connection: Row, rows: Iterable[Row] | None) -> list[Row]:
    """The sessions of a connection as rows that look like channels. One without links when they are not told (None)."""
    details = {name: connection.get(name) for name in ("name", "peer_host", "peer_port")}
    about = {"vhost": connection.get("vhost"), "user": connection.get("user"), "connection_details": details}
    if rows is None:
        return [about]
    return [{**about, **row, "number": row.get("channel_number")} for row in rows]


def told(sessions: Iterable[Row]) -> bool:
    """Whether the links of all sessions are known."""
    return all("outgoing_links" in row for row in sessions)


def links(before: Iterable[Row], after: Iterable[Row]) -> list[Link]:
    """Those of sessions that were there in both samples. Each row is a session with its `vhost` and `connection_details`."""
    first = {_name(row): row for row in before}
    return [link for row in after if _name(row) in first for link in _of_session(first[_name(row)], row)]


def places(sessions: Iterable[Row]) -> set[tuple[Place, str]]:
    """The queues that links take messages from, each with the tag under which the broker lists the link as a consumer."""
    return {(_queue(row, link), str(link.get("handle"))) for row in sessions for link in _outgoing(row)}


def _of_session(before: Row, after: Row) -> Iterator[Link]:
    held, unsettled = count(before, "outgoing_unsettled_deliveries"), count(after, "outgoing_unsettled_deliveries")
    given = _given(after) - _given(before)
    for link in _outgoing(after):
        if not link.get("send_settled"):
            tag, has_credit = str(link.get("handle")), count(link, "credit") > 0
            yield Link(after, _queue(after, link), tag, held, unsettled, given, _given(after), has_credit)


def _given(session: Row) -> int:
    return sum(count(link, "delivery_count") for link in _outgoing(session) if not link.get("send_settled"))


def _outgoing(session: Row) -> list[Row]:
    found = session.get("outgoing_links")
    return [link for link in found if isinstance(link, dict)] if isinstance(found, list) else []


def _name(session: Row) -> tuple[Any, Any]:
    return (session.get("connection_details") or {}).get("name"), session.get("number")


def _queue(session: Row, link: Row) -> Place:
    return session.get("vhost"), link.get("queue_name")


def find(
    queues: Iterable[Row],
    links: Iterable[Link],
    window: Window,
    growths: Mapping[Place, Growth] = {},
) -> list[Finding]:
    """Of AMQP 1.0: sessions that hold deliveries and settle none, and leaks."""
    of_queue = {place(row): row for row in queues}
    if window.seconds < STATISTICS_SECONDS:
        return []
    return [
        each for link in links if link.at in of_queue for each in _of_link(link, of_queue[link.at], window, growths)
    ]


def _of_link(link: Link, queue: Row, window: Window, growths: Mapping[Place, Growth]) -> Iterator[Finding]:
    held = min(link.unsettled_before, link.unsettled, count(queue, "messages_unacknowledged"))
    full = not link.has_credit
    growth = growths.get(link.at)
    has_settled = link.given_ever > link.unsettled
    spared = has_settled and not (full and count(queue, "messages_ready"))
    if queue.get("type") == "stream":
        return
    if held and link.settled <= 0 and not spared:
        outcome = None if (on := on_timeout(window.release, queue)) == CANCELS else WAITS if on else None
        yield _finding(link, STUCK if full else FORGETTING, held, on_timeout=outcome)
    elif growth and is_leak(growth, window.seconds, link.settled, link.given, link.given_ever):
        yield _finding(link, LEAK, growth.held, rate=round(growth.rate, 2))


def _finding(link: Link, kind: str, unacknowledged: int, **more: Any) -> Finding:
    return Finding(
        kind,
        str(link.at[0]),
        str(link.at[1]),
        consumer_tag=link.tag,
        **clients.of_channel(link.session, {}),
        unacknowledged=unacknowledged,
        acked=max(0, link.settled),
        advice=_ADVICE[kind],
        **more,
    )
