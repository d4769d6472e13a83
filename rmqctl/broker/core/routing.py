"""Where messages go in a virtual host: its exchanges, queues and bindings, without the rules for making them.

What the routing key alone decides is remembered until a binding, an exchange or a queue comes or goes.
"""

from collections.abc import Iterable, Sequence

from rmqctl.broker.core.exchange import Binding, Destination, Exchange, Identity
from rmqctl.broker.core.message import HEADERS, Message, more_keys
from rmqctl.broker.core.queue import Queue

# So many routes are remembered at most.
_ROUTES = 10_000


class Router:
    def __init__(self) -> None:
        self.exchanges: dict[str, Exchange] = {}
        self.queues: dict[str, Queue] = {}
        self._bound: dict[Destination, dict[Identity, Binding]] = {}
        self._routes: dict[tuple[str, str], Sequence[Queue]] = {}

    # ------------------------------------------------------------------------------------------------------- bindings

    def bindings(self) -> Iterable[Binding]:
        """All of them, those of the default exchange first."""
        for name in self.queues:
            yield Binding("", Destination("queue", name), name, {})
        for exchange in self.exchanges.values():
            yield from exchange.bindings.values()

    def bindings_to(self, destination: Destination) -> Iterable[Binding]:
        if destination.kind == "queue" and destination.name in self.queues:
            yield Binding("", destination, destination.name, {})
        yield from list(self._bound.get(destination, {}).values())

    def find(self, destination: Destination) -> Queue | Exchange | None:
        kind, name = destination
        return self.queues.get(name) if kind == "queue" else self.exchanges.get(name)

    def bind(self, exchange: Exchange, binding: Binding) -> bool:
        """False when there was such a binding."""
        if not exchange.bind(binding):
            return False
        self._bound.setdefault(binding.destination, {})[binding.identity] = binding
        self.changed()
        return True

    def unbind(self, exchange: Exchange, binding: Binding) -> None:
        exchange.unbind(binding)
        bound = self._bound.get(binding.destination, {})
        bound.pop(binding.identity, None)
        if not bound:
            self._bound.pop(binding.destination, None)
        self.changed()

    def changed(self) -> None:
        """Routes may be others now."""
        self._routes.clear()

    # -------------------------------------------------------------------------------------------------------- messages

    def route(self, exchange: Exchange, message: Message, more: Sequence[str] | None = None) -> Sequence[Queue]:
        """The queues that a message goes to, each once. `more`: other keys than those in its headers CC and BCC.

        Raises Refusal when those headers are no lists.
        """
        if more is None:
            more = more_keys(message, "CC", "BCC") if message.flags & HEADERS else ()
        if not more and (known := self._routes.get((exchange.name, message.key))) is not None:
            return known
        queues, by_key_alone = self._follow(exchange, [message.key, *more], message)
        if by_key_alone and not more:
            if len(self._routes) >= _ROUTES:
                self._routes.clear()
            self._routes[exchange.name, message.key] = queues
        return queues

    def _follow(self, exchange: Exchange, keys: Sequence[str], message: Message) -> tuple[list[Queue], bool]:
        """The queues, and whether the routing key alone decided."""
        queues: dict[Queue, None] = {}
        by_key_alone, seen, todo = True, {exchange.name}, [exchange]
        while todo:
            at = todo.pop()
            by_key_alone &= not at.by_headers
            if not at.name:
                found: dict[Destination, None] = {Destination("queue", key): None for key in keys if key in self.queues}
            else:
                found = {destination: None for key in keys for destination in at.route(key, message)}
            names = [destination.name for destination in found if destination.kind == "exchange"]
            if not found and at.alternate is not None:
                names = [at.alternate]
            for destination in found:
                if destination.kind == "queue" and (queue := self.queues.get(destination.name)):
                    queues[queue] = None
            for name in names:
                if name not in seen and (following := self.exchanges.get(name)):
                    seen.add(name)
                    todo.append(following)
        return list(queues), by_key_alone
