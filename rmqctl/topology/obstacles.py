"""Why a step of a plan cannot succeed: what it needs and nobody makes, and what the one who applies it may not do."""

import re
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from rmqctl.topology import releases
from rmqctl.topology.documents import Document
from rmqctl.topology.items import Items, Key
from rmqctl.topology.plan import DELETE, RECREATE, Change, sides

OF_AMQP = frozenset(("direct", "fanout", "topic", "headers"))
"""The types of exchange that every broker has."""


PLUGINS = {
    "shovel": "rabbitmq_shovel",
    "federation-upstream": "rabbitmq_federation",
    "federation-upstream-set": "rabbitmq_federation",
}
"""Whose parameters the broker takes only while that plugin is enabled."""


class Obstacle(NamedTuple):
    """`forbidden`: it is a permission that is missing."""

    why: str
    forbidden: bool = False


class Surroundings(NamedTuple):
    """`live` is all that the broker has, `user` who applies, `exchange_types` and `plugins` what it knows (None: unasked)."""

    live: Document
    user: str
    exchange_types: Collection[str] | None = None
    plugins: Collection[str] | None = None


def obstacles(
    changes: Sequence[Change], document: Document, around: Surroundings, vhost: str | None = None
) -> dict[Key, Obstacle]:
    """By the step that is kept from succeeding, the first thing that does."""
    there, wanted = sides(document, around.live, vhost or "/")
    look = _Look(there, wanted, around)
    return {
        change.key: found
        for change in changes
        if change.action not in (DELETE, RECREATE) and (found := next(look.at(change), None))
    }


class _Look:
    def __init__(self, there: Items, wanted: Items, around: Surroundings) -> None:
        self._there = there
        self._known = there.keys() | wanted.keys()
        self._wanted = wanted
        self._around = around
        self._release = releases.of(around.live)
        # Users that another backend knows are in no definitions, and neither are their permissions.
        self._judges = Key("user", "", (around.user,)) in there

    def at(self, change: Change) -> Iterator[Obstacle]:
        key = change.key
        if key.vhost and Key("vhost", "", (key.vhost,)) not in self._known:
            yield Obstacle(f"virtual host {key.vhost!r} does not exist")
        match key.kind:
            case "permissions" | "topic_permissions":
                yield from self._user(key)
            case "policy" | "operator_policy":
                yield from self._apply_to(str(change.wanted.get("apply-to")))
                yield from self._gone(change.wanted["definition"])
            case "exchange":
                yield from self._type(str(change.wanted["type"]))
                yield from self._dead_or_alternate(key, change.wanted["arguments"].get("alternate-exchange"))
            case "queue":
                yield from self._dead_or_alternate(key, change.wanted["arguments"].get("x-dead-letter-exchange"))
            case "binding":
                yield from self._ends(key)
            case "parameter":
                yield from self._component(key.name[0])

    def _user(self, key: Key) -> Iterator[Obstacle]:
        if Key("user", "", key.name[:1]) not in self._known:
            yield Obstacle(f"user {key.name[0]!r} does not exist")
        # Since 4.0 the exchange has to be there.
        if key.kind == "topic_permissions" and (not self._release or self._release >= (4,)):
            yield from self._exchange(key.vhost, key.name[1])

    def _apply_to(self, word: str) -> Iterator[Obstacle]:
        by_type = word in ("classic_queues", "quorum_queues", "streams")
        if by_type and self._release and self._release < releases.POLICIES_BY_TYPE:
            since = releases.spelled(releases.POLICIES_BY_TYPE)
            yield Obstacle(f"apply-to {word} needs RabbitMQ {since}, this is {releases.spelled(self._release)}")

    def _gone(self, definition: Collection[str]) -> Iterator[Obstacle]:
        if gone := [key for key, since in releases.GONE.items() if key in definition and self._release >= since]:
            strip = "; --transformations strip_cmq_keys_from_policies of export leaves mirroring out"
            hint = strip if set(gone) <= set(releases.MIRRORING) else ""
            yield Obstacle(f"{', '.join(gone)}: not in RabbitMQ {releases.spelled(self._release)} any more{hint}")

    def _component(self, name: str) -> Iterator[Obstacle]:
        plugin, enabled = PLUGINS.get(name), self._around.plugins
        if plugin and enabled is not None and plugin not in enabled:
            yield Obstacle(f"the plugin {plugin} is not enabled")

    def _type(self, name: str) -> Iterator[Obstacle]:
        known = self._around.exchange_types
        if known is not None and name not in OF_AMQP and name not in known:
            yield Obstacle(f"the broker has no exchange type {name!r}: a plugin that is not enabled?")

    def _dead_or_alternate(self, key: Key, exchange: object) -> Iterator[Obstacle]:
        yield from self._may("configure", key.vhost, key.kind, key.name[0])
        if isinstance(exchange, str):
            yield from self._may("read", key.vhost, key.kind, key.name[0])
            yield from self._may("write", key.vhost, "exchange", exchange)

    def _ends(self, key: Key) -> Iterator[Obstacle]:
        source, kind, destination = key.name[:3]
        yield from self._exchange(key.vhost, source)
        if kind == "exchange":
            yield from self._exchange(key.vhost, destination)
        elif Key("queue", key.vhost, (destination,)) not in self._known:
            yield Obstacle(f"queue {destination!r} does not exist in virtual host {key.vhost!r}")
        yield from self._may("read", key.vhost, "exchange", source)
        yield from self._may("write", key.vhost, kind, destination)

    def _exchange(self, vhost: str, name: str) -> Iterator[Obstacle]:
        of_the_broker = name == "" or name.startswith("amq.")
        if not of_the_broker and Key("exchange", vhost, (name,)) not in self._known:
            yield Obstacle(f"exchange {name!r} does not exist in virtual host {vhost!r}")

    def _may(self, what: str, vhost: str, kind: str, name: str) -> Iterator[Obstacle]:
        """Permissions are set before anything is declared; who makes a virtual host gets all in it."""
        user = self._around.user
        key = Key("permissions", vhost, (user,))
        permissions = self._wanted.get(key) or self._there.get(key)
        if not self._judges or (permissions is None and Key("vhost", "", (vhost,)) not in self._there):
            return
        if permissions is None:
            yield Obstacle(f"user {user!r} has no permissions in virtual host {vhost!r}", forbidden=True)
        elif not _covers(permissions[what], name):
            yield Obstacle(
                f"user {user!r} lacks the permission to {what} {kind} {name!r} in virtual host {vhost!r}", True
            )


def _covers(pattern: str, name: str) -> bool:
    """An empty pattern covers the empty name alone. What only the broker can read is left to it."""
    try:
        return re.search(pattern or "^$", name) is not None
    except re.error:
        return True
