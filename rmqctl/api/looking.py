"""What it costs messages to be looked at: to be got from their queue and put back.

Quorum queues count how often a message came back. The one return too many takes it out of the queue, to the dead letters if
there is an exchange for them:

| release | counted | against |
| --- | --- | --- |
| before 4.0 | every return | `x-delivery-limit` or the policies' `delivery-limit`; without them, nothing |
| 4.0 to 4.2 | every return | the same, else 20; a negative limit is none |
| from 4.3 | basic.reject, a channel that closes; not basic.nack | the same |

How often a message came back stands in its headers, which only a look shows; by then it has to be put back. So where
returns count, any look could be a message's last.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from rmqctl.api import lists, queues
from rmqctl.api.answering import overview
from rmqctl.api.client import Client
from rmqctl.errors import Unavailable
from rmqctl.naming import named
from rmqctl.record import Record
from rmqctl.resources import effective
from rmqctl.resources.column import Release
from rmqctl.resources.column import release as number_of

COUNTERS = ("x-delivery-count", "x-acquired-count")
"""The headers in which a quorum queue says how often a message came back to it, and how often it was taken."""

ADDED = (*COUNTERS, "x-stream-offset")
"""The headers that queues add to what they deliver: they say nothing about the message anywhere else."""

DEFAULT_LIMIT = 20
_LIMITED_BY_DEFAULT = (4, 0)
_NACKS_ARE_FREE = (4, 3)
_KEY = "delivery-limit"
_FIELDS = ("type", "arguments", "effective_policy_definition", "delivery_limit")
_DELAYED_ON_NACK = ("all", "returned")

Row = dict[str, Any]


class Look(Record):
    """What a look at a queue's messages costs.

    `kind`: the type of the queue, None when the broker did not tell. `limit`: how often a message may come back, when that is
    counted; None: a look takes nothing from it. `delayed`: what was put back is kept back for a while.
    """

    queue: str
    vhost: str
    kind: str | None = None
    release: str = ""
    limit: int | None = None
    delayed: bool = False

    def check(self, *, force: bool, instead: str) -> None:
        """Raises Unavailable when a look could be a message's last; `instead` is the way out."""
        if force or (self.kind is not None and self.limit is None):
            return
        what = named("queue", self.queue, self.vhost)
        if self.limit is None:
            raise Unavailable(f"{what}: whether looking counts against a delivery limit is unknown; {instead}")
        raise Unavailable(
            f"{what} has a delivery limit of {self.limit}, and RabbitMQ {self.release} counts a look as a return: a message "
            f"that came back {max(self.limit, 0)} times already would be dropped or dead-lettered; {instead}"
        )

    def returns(self, headers: Mapping[str, Any] | None) -> int:
        """How often the message with these headers had come back, as far as that counts."""
        names = COUNTERS[:1] if number_of(self.release) >= _NACKS_ARE_FREE else COUNTERS
        return max((count for name in names if isinstance(count := (headers or {}).get(name), int)), default=0)

    def would_end(self, headers: Mapping[str, Any] | None) -> bool:
        """Whether the message is taken out of the queue when it is put back now."""
        return self.limit is not None and self.returns(headers) >= self.limit

    def told(self, returns: Sequence[int]) -> tuple[str, ...]:
        """What the look cost the messages that had come back so often, in lines for people."""
        if not returns:
            return ()
        if self.delayed:
            return (
                "the queue delays what comes back to it (delayed retry): these messages are ready again after that",
            )
        if self.limit is None:
            return ()
        ended = sum(count >= self.limit for count in returns)
        if ended:
            return (
                f"{ended} of these messages had reached the delivery limit of {self.limit}: dropped or dead-lettered now",
            )
        return (
            f"this look counted as a return: these messages came back up to {max(returns) + 1} of {self.limit} times",
        )


def look(client: Client, vhost: str, queue: str, *, rejecting: bool = False) -> Look:
    """Asks what a look costs; `rejecting`: basic.reject puts the messages back. Raises NotFound."""
    row = queues.get(client, vhost, queue, *_FIELDS, statistics=False)
    if row.get("type") in ("classic", "stream"):
        return Look(queue, vhost, row["type"])
    release = str(overview(client, "rabbitmq_version").get("rabbitmq_version", ""))
    number, kind = number_of(release), str(row.get("type", ""))
    delayed = not rejecting and _named(row, "delayed-retry-type") in _DELAYED_ON_NACK
    if number >= _NACKS_ARE_FREE and not rejecting:
        return Look(queue, vhost, kind, release, delayed=delayed)
    return Look(queue, vhost, kind, release, _limit(client, vhost, queue, row, number))


def _limit(client: Client, vhost: str, queue: str, row: Mapping[str, Any], number: Release) -> int | None:
    told = row.get("delivery_limit")
    limits = [told] if isinstance(told, int) else _limits(client, vhost, queue, row)
    if number < _LIMITED_BY_DEFAULT:
        return min(limits, default=None)
    if not limits and row.get("type") == "quorum":
        return DEFAULT_LIMIT
    return min((limit for limit in limits if limit >= 0), default=None)


def _limits(client: Client, vhost: str, queue: str, row: Mapping[str, Any]) -> list[int]:
    """All that are named for the queue. Before 4.0 a quorum queue does not tell which policies are in effect: any may be."""
    found = [_table(row, "arguments").get(f"x-{_KEY}"), _table(row, "effective_policy_definition").get(_KEY)]
    if "effective_policy_definition" not in row:
        for segment in ("policies", "operator-policies"):
            for policy in lists.of_vhost(client, segment, vhost):
                limit = _table(policy, "definition").get(_KEY)
                if limit is not None and _may_match(policy, str(row.get("type")), queue):
                    found.append(limit)
    return [limit for limit in found if isinstance(limit, int)]


def _may_match(policy: Row, kind: str, queue: str) -> bool:
    try:
        return bool(effective.ranked([policy], kind, queue))
    except Unavailable:  # a pattern that only the broker understands
        return True


def _named(row: Mapping[str, Any], key: str) -> Any:
    return _table(row, "arguments").get(f"x-{key}", _table(row, "effective_policy_definition").get(key))


def _table(row: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    return row.get(field) or {}
