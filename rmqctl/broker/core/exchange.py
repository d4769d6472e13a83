"""Exchanges, bindings, and where a message goes (AMQP 0-9-1 specification, section 3.1.3)."""

import json
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, Protocol
from zlib import crc32

from rmqctl.broker.core.arguments import Arguments
from rmqctl.broker.core.message import Message
from rmqctl.broker.core.ports import Entropy
from rmqctl.broker.core.stats import Counts
from rmqctl.matching import Topics, headers_match

TYPES = ("direct", "fanout", "headers", "topic", "x-local-random", "x-modulus-hash")

_ATOMS = """
a all amqp any atom b bad badtype bar basic binary binding broadcast classic cluster d default dummy e error
exchange f false first float foo global hash header hello http int integer invalid invalid_type key last list
lists local map message missing mqtt multicast name new nil node none null number ok old one other plain
priority q queue quorum rabbit rabbitmq random remote route sample script simple stream string system table
test true tuple type undefined user value vhost work world x y z x-random x-jms-topic
"""
NO_TYPES = frozenset(("", *_ATOMS.split()))
"""RabbitMQ calls a type unknown when Erlang has no atom of that name, else invalid: those of its atoms that people may try."""


class Destination(NamedTuple):
    """What a binding leads to. `kind`: queue or exchange."""

    kind: str
    name: str


Identity = tuple[str, Destination, str, str]


class Binding(NamedTuple):
    source: str
    destination: Destination
    key: str
    arguments: Mapping[str, Any]

    def document(self, vhost: str) -> dict[str, Any]:
        """As in definitions."""
        return {
            "source": self.source,
            "vhost": vhost,
            "destination": self.destination.name,
            "destination_type": self.destination.kind,
            "routing_key": self.key,
            "arguments": dict(self.arguments),
        }

    @property
    def identity(self) -> Identity:
        return self.source, self.destination, self.key, canonical(self.arguments)


def canonical(arguments: Mapping[str, Any]) -> str:
    """Equal for equal arguments, in whatever order they came."""
    return json.dumps(arguments, sort_keys=True, default=repr)


class Exchange:
    """An exchange and the bindings that start at it. Raises nothing: whether something is allowed is the vhost's."""

    def __init__(
        self,
        name: str,
        kind: str,
        *,
        durable: bool,
        auto_delete: bool,
        internal: bool,
        arguments: Mapping[str, Any],
        entropy: Entropy,
        user: str = "rmqctl",
    ) -> None:
        self.name = name
        self.kind = kind
        self.durable = durable
        self.auto_delete = auto_delete
        self.internal = internal
        self.arguments = arguments if isinstance(arguments, Arguments) else Arguments(arguments)
        self.user = user
        self.counts = Counts()
        self.bindings: dict[Identity, Binding] = {}
        self.alternate: str | None = None
        """From the argument alternate-exchange or a policy."""
        self.policy: str | None = None
        self.operator_policy: str | None = None
        self._index: _Index = _INDEXES[kind](entropy)

    @property
    def by_headers(self) -> bool:
        """Routes by more than the routing key."""
        return self.kind in ("headers", "x-local-random")

    def bind(self, binding: Binding) -> bool:
        """False when there was such a binding."""
        if binding.identity in self.bindings:
            return False
        self.bindings[binding.identity] = binding
        self._index.add(binding)
        return True

    def unbind(self, binding: Binding) -> bool:
        """False when there was none."""
        known = self.bindings.pop(binding.identity, None)
        if known is not None:
            self._index.remove(known)
        return known is not None

    def document(self, vhost: str) -> dict[str, Any]:
        """As in definitions."""
        return {
            "name": self.name,
            "vhost": vhost,
            "type": self.kind,
            "durable": self.durable,
            "auto_delete": self.auto_delete,
            "internal": self.internal,
            "arguments": self.arguments,
        }

    def route(self, key: str, message: Message) -> Iterable[Destination]:
        """Where its bindings lead, each destination once."""
        return self._index.match(key, message)


class _Index(Protocol):
    """Finds the bindings that fit a message."""

    def add(self, binding: Binding) -> None: ...

    def remove(self, binding: Binding) -> None: ...

    def match(self, key: str, message: Message) -> Iterable[Destination]: ...


class _Direct:
    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy
        self._keys: dict[str, dict[Destination, int]] = {}

    def add(self, binding: Binding) -> None:
        found = self._keys.setdefault(binding.key, {})
        found[binding.destination] = found.get(binding.destination, 0) + 1

    def remove(self, binding: Binding) -> None:
        found = self._keys[binding.key]
        found[binding.destination] -= 1
        if not found[binding.destination]:
            del found[binding.destination]
        if not found:
            del self._keys[binding.key]

    def match(self, key: str, message: Message) -> Iterable[Destination]:
        return self._keys.get(key, ())


class _Fanout(_Direct):
    """A direct exchange that sees no keys."""

    def add(self, binding: Binding) -> None:
        super().add(binding._replace(key=""))

    def remove(self, binding: Binding) -> None:
        super().remove(binding._replace(key=""))

    def match(self, key: str, message: Message) -> Iterable[Destination]:
        return super().match("", message)


class _LocalRandom(_Fanout):
    """One of the queues that are bound, any of them."""

    def match(self, key: str, message: Message) -> Iterable[Destination]:
        found = list(super().match(key, message))
        return [self._entropy.choice(found)] if found else []


class _ModulusHash:
    """One of the bindings, always the same for a key as long as none comes or goes."""

    def __init__(self, _: Entropy) -> None:
        self._destinations: list[Destination] = []

    def add(self, binding: Binding) -> None:
        insort(self._destinations, binding.destination)

    def remove(self, binding: Binding) -> None:
        del self._destinations[bisect_left(self._destinations, binding.destination)]

    def match(self, key: str, message: Message) -> Iterable[Destination]:
        if not self._destinations:
            return ()
        return (self._destinations[crc32(key.encode("utf-8", "surrogateescape")) % len(self._destinations)],)


class _Topic:
    def __init__(self, _: Entropy) -> None:
        self._topics: Topics[tuple[Destination, str]] = Topics()

    def add(self, binding: Binding) -> None:
        self._topics.add(binding.key, (binding.destination, canonical(binding.arguments)))

    def remove(self, binding: Binding) -> None:
        self._topics.remove(binding.key, (binding.destination, canonical(binding.arguments)))

    def match(self, key: str, message: Message) -> Iterable[Destination]:
        return dict.fromkeys(destination for destination, _ in self._topics.match(key))


class _Headers:
    def __init__(self, _: Entropy) -> None:
        self._bindings: dict[Identity, Binding] = {}

    def add(self, binding: Binding) -> None:
        self._bindings[binding.identity] = binding

    def remove(self, binding: Binding) -> None:
        del self._bindings[binding.identity]

    def match(self, key: str, message: Message) -> Iterable[Destination]:
        headers = message.headers()
        return dict.fromkeys(
            each.destination for each in self._bindings.values() if headers_match(each.arguments, headers)
        )


_INDEXES: dict[str, Callable[[Entropy], _Index]] = {
    "direct": _Direct,
    "fanout": _Fanout,
    "topic": _Topic,
    "headers": _Headers,
    "x-local-random": _LocalRandom,
    "x-modulus-hash": _ModulusHash,
}
