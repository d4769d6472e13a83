"""Declaring, binding and deleting, and who may: the same for AMQP and the HTTP API."""

import re
from typing import Any, NoReturn

from tests.simulation.hearing import Hearing
from tests.simulation.model import Binding, Connection, Copy, Exchange, Queue

_COMPARED = (
    *("x-message-ttl", "x-expires", "x-dead-letter-exchange", "x-dead-letter-routing-key", "x-max-length"),
    *("x-max-length-bytes", "x-max-priority", "x-overflow", "x-single-active-consumer", "x-delivery-limit"),
)


class Refused(Exception):
    """The broker has to close the channel, or the connection when `code` says so."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code

    @property
    def hard(self) -> bool:
        return self.code >= 500 or self.code == 320


def refuse(code: int) -> NoReturn:
    raise Refused(code)


class Declaring(Hearing):
    """What a client or a caller may do with queues, exchanges and bindings. Raises Refused."""

    # ------------------------------------------------------------------------------------------------------ permissions

    def may(self, user: str, what: str, name: str) -> bool:
        patterns = self.permissions.get(user)
        if patterns is None:
            return False
        pattern = patterns[("configure", "write", "read").index(what)] or "^$"
        return re.search(pattern, name or "amq.default") is not None

    def check(self, user: str | None, what: str, name: str) -> None:
        if user is not None and not self.may(user, what, name):
            refuse(403)

    def check_any(self, user: str, name: str) -> None:
        if not any(self.may(user, what, name) for what in ("configure", "write", "read")):
            refuse(403)

    # ------------------------------------------------------------------------------------------------ queues, exchanges

    def queue(self, name: str, connection: Connection | None) -> Queue:
        found = self.queues.get(name) or refuse(404)
        if found.owner is not None and found.owner is not connection:
            refuse(405)
        return found

    def declare_queue(
        self,
        user: str | None,
        connection: Connection | None,
        name: str,
        durable: bool,
        exclusive: bool,
        auto_delete: bool,
        arguments: dict[str, Any],
    ) -> Queue:
        self.check(user, "configure", name)
        if name in self.queues:
            return self._same_queue(name, connection, durable, exclusive, auto_delete, arguments)
        if arguments.get("x-queue-type") == "quorum" and (not durable or auto_delete or exclusive):
            refuse(406)
        if 0 <= self.limits.get("max-queues", -1) <= len(self.queues):
            refuse(406)
        if "x-dead-letter-exchange" in arguments:
            self.check(user, "read", name)
            self.check(user, "write", arguments["x-dead-letter-exchange"])
        queue = Queue(
            name, durable and not exclusive, auto_delete, connection if exclusive else None, arguments, self.now
        )
        self.queues[name] = queue
        self.configure(queue)
        queue.use(self.now)
        if exclusive and connection is not None:
            connection.exclusive.append(queue)
        return queue

    def _same_queue(
        self,
        name: str,
        connection: Connection | None,
        durable: bool,
        exclusive: bool,
        auto_delete: bool,
        arguments: dict[str, Any],
    ) -> Queue:
        found = self.queue(name, connection)
        if (found.owner is not None) != exclusive:
            refuse(405)
        if arguments.get("x-queue-type", "classic") != found.kind:
            refuse(406)
        if (found.durable, found.auto_delete) != (durable and not exclusive, auto_delete):
            refuse(406)
        if any(arguments.get(each) != found.arguments.get(each) for each in _COMPARED):
            refuse(406)
        found.use(self.now)
        return found

    def declare_exchange(self, user: str | None, wanted: Exchange) -> None:
        if not wanted.name:
            refuse(403)
        self.check(user, "configure", wanted.name)
        found = self.exchanges.get(wanted.name)
        if found is None:
            if "alternate-exchange" in wanted.arguments:
                self.check(user, "read", wanted.name)
                self.check(user, "write", wanted.arguments["alternate-exchange"])
            self.exchanges[wanted.name] = wanted
        elif vars(found) != vars(wanted):
            refuse(406)

    def delete_queue(
        self, user: str | None, connection: Connection | None, name: str, if_unused: bool, if_empty: bool
    ) -> int:
        self.check(user, "configure", name)
        if name not in self.queues:
            return 0
        queue = self.queue(name, connection)
        if queue.kind == "quorum" and (if_unused or if_empty):
            refuse(540)
        if (if_empty and queue.ready) or (if_unused and queue.consumers):
            refuse(406)
        count = len(queue.ready)
        self.remove_queue(queue)
        return count

    def purge_queue(self, user: str | None, connection: Connection | None, name: str) -> list[Copy]:
        """What there was."""
        self.check(user, "read", name)
        queue = self.queue(name, connection)
        copies, queue.ready = queue.ready, []
        self._less(queue)
        for copy in copies:
            self.gone(copy)
        return copies

    def delete_exchange(self, user: str | None, name: str, if_unused: bool) -> None:
        if not name:
            refuse(403)
        self.check(user, "configure", name)
        found = self.exchanges.get(name)
        if found is None:
            return
        if if_unused and self.bound_from(name):
            refuse(406)
        self.remove_exchange(found)

    def bind(self, user: str | None, connection: Connection | None, binding: Binding) -> None:
        self._may_bind(user, binding)
        if binding.source not in self.exchanges:
            refuse(404)
        if binding.kind == "queue":
            self.queue(binding.destination, connection)
        elif binding.destination not in self.exchanges:
            refuse(404)
        self.bindings[binding] = None

    def unbind(self, user: str | None, connection: Connection | None, binding: Binding) -> None:
        self._may_bind(user, binding)
        if binding in self.bindings:
            if binding.kind == "queue":
                self.queue(binding.destination, connection)
            self.remove_binding(binding)

    def _may_bind(self, user: str | None, binding: Binding) -> None:
        if not binding.source or (binding.kind == "exchange" and not binding.destination):
            refuse(403)
        self.check(user, "write", binding.destination)
        self.check(user, "read", binding.source)
