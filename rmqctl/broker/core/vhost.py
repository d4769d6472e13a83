"""A virtual host: its exchanges, queues and bindings, and the rules for declaring, deleting and routing.

AMQP and the HTTP API use these same functions. `user` is who asks and is checked; None asks for nobody's permission.
"""

import os
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rmqctl.broker.core import policies
from rmqctl.broker.core.arguments import Arguments, check_equal, check_exchange_name, check_queue, inequivalent
from rmqctl.broker.core.dead_letters import dead_lettered, in_circles
from rmqctl.broker.core.errors import AmqpError, not_found, precondition, refused
from rmqctl.broker.core.exchange import NO_TYPES, TYPES, Binding, Destination, Exchange
from rmqctl.broker.core.message import Entry, Message, more_keys
from rmqctl.broker.core.queue import Queue
from rmqctl.broker.core.stats import Counts
from rmqctl.broker.core.users import User

if TYPE_CHECKING:
    from rmqctl.broker.amqp.connection import Connection
    from rmqctl.broker.core.broker import Broker

_RESERVED = "amq."
_PREDECLARED = (
    ("", "direct"),
    ("amq.direct", "direct"),
    ("amq.fanout", "fanout"),
    ("amq.headers", "headers"),
    ("amq.match", "headers"),
    ("amq.topic", "topic"),
    ("amq.rabbitmq.trace", "topic"),
)
_LOG = "amq.rabbitmq.log"
"""RabbitMQ has it in the default virtual host, for its log. Here it stays silent."""
QUEUE_TYPES = ("classic", "quorum")
_ROUTES = 10_000


class VHost:
    def __init__(self, broker: "Broker", name: str, metadata: Mapping[str, Any] | None = None) -> None:
        self.broker = broker
        self.name = name
        self.metadata: dict[str, Any] = {"description": "", "tags": [], **(metadata or {})}
        self.tracing = False
        self.limits: dict[str, int] = {}
        """max-connections, max-queues."""
        self.exchanges: dict[str, Exchange] = {}
        self.queues: dict[str, Queue] = {}
        self.retired = Counts()
        """Of the queues that are gone: the totals of a vhost never go backwards."""
        self.published = Counts()
        """Of the channels that are gone."""
        self.received_bytes = 0
        self.sent_bytes = 0
        """Of the connections that are gone."""
        self._bound: dict[Destination, dict[Any, Binding]] = {}
        self._routes: dict[tuple[str, str], Sequence[Queue]] = {}
        for exchange, kind in _PREDECLARED if name != "/" else (*_PREDECLARED, (_LOG, "topic")):
            internal = exchange.startswith("amq.rabbitmq.")
            self.exchanges[exchange] = Exchange(
                exchange, kind, durable=True, auto_delete=False, internal=internal, arguments={}
            )

    # ------------------------------------------------------------------------------------------------------ exchanges

    def exchange(self, name: str) -> Exchange:
        """Raises AmqpError 404."""
        found = self.exchanges.get(name)
        if found is None:
            raise not_found("exchange", name, self.name)
        return found

    def declare_exchange(
        self,
        user: User | None,
        name: str,
        kind: str,
        *,
        durable: bool = False,
        auto_delete: bool = False,
        internal: bool = False,
        arguments: Arguments | None = None,
    ) -> Exchange:
        arguments = arguments if arguments is not None else Arguments({})
        if kind not in TYPES:
            raise precondition(f"{'invalid' if kind in NO_TYPES else 'unknown'} exchange type '{kind}'")
        self._not_default(name)
        self.check(user, "configure", "exchange", name)
        found = self.exchanges.get(name)
        if found is None:
            if user is not None:
                self._not_reserved("exchange", name)
            self._check_alternate(user, name, arguments)
            found = Exchange(
                name,
                kind,
                durable=durable,
                auto_delete=auto_delete,
                internal=internal,
                arguments=arguments,
                user=user.name if user else "rmqctl",
            )
            self.exchanges[name] = found
            self._configure_exchange(found)
            self._define_exchange(found)
            self._routes.clear()
            return found
        what = f"exchange '{name}'"
        for argument, current, wanted in (
            ("type", found.kind, kind),
            ("durable", found.durable, durable),
            ("auto_delete", found.auto_delete, auto_delete),
            ("internal", found.internal, internal),
        ):
            if current != wanted:
                raise inequivalent(argument, what, self.name, f"'{_lower(wanted)}'", f"'{_lower(current)}'")
        check_equal(what, self.name, found.arguments, arguments, ("alternate-exchange",))
        return found

    def delete_exchange(self, user: User | None, name: str, *, if_unused: bool = False) -> bool:
        """False when there was none."""
        self._not_default(name)
        if user is not None and name.startswith(_RESERVED):
            raise refused(f"deletion of system exchange '{name}' in vhost '{self.name}' not allowed")
        self.check(user, "configure", "exchange", name)
        found = self.exchanges.get(name)
        if found is None:
            return False
        if if_unused and found.bindings:
            raise precondition(f"exchange '{name}' in vhost '{self.name}' in use")
        self._remove_exchange(found)
        return True

    def _remove_exchange(self, exchange: Exchange) -> None:
        del self.exchanges[exchange.name]
        for binding in list(exchange.bindings.values()):
            self._remove_binding(exchange, binding)
        self._remove_bindings_to(Destination("exchange", exchange.name))
        if exchange.durable:
            self.broker.journal.define("exchange", (self.name, exchange.name), None)
        self._routes.clear()

    def _check_alternate(self, user: User | None, name: str, arguments: Arguments) -> None:
        if "alternate-exchange" not in arguments:
            return
        check_exchange_name("alternate-exchange", f"exchange '{name}' in vhost '{self.name}'", arguments)
        self.check(user, "read", "exchange", name)
        self.check(user, "write", "exchange", arguments["alternate-exchange"])

    # --------------------------------------------------------------------------------------------------------- queues

    def queue(self, name: str, owner: "Connection | None" = None) -> Queue:
        """Raises AmqpError 404, and 405 when it is exclusive to another connection than `owner`."""
        found = self.queues.get(name)
        if found is None:
            raise not_found("queue", name, self.name)
        if found.exclusive and found.owner is not owner:
            raise _locked(name, self.name)
        return found

    def queue_to_get(self, name: str, owner: "Connection | None" = None) -> Queue:
        """Raises AmqpError also for a queue that hands out nothing to basic.get."""
        found = self.queue(name, owner)
        if found.kind == "quorum" and found.single_active:
            raise AmqpError(
                405,
                f"cannot obtain access to locked queue '{name}' in vhost '{self.name}'. basic.get operations are "
                'not supported by <<"quorum">> queues with single active consumer',
            )
        return found

    def declare_queue(
        self,
        user: User | None,
        name: str,
        *,
        durable: bool = False,
        exclusive: bool = False,
        auto_delete: bool = False,
        arguments: Arguments | None = None,
        owner: "Connection | None" = None,
    ) -> Queue:
        """Without a name the broker gives it one."""
        arguments = arguments if arguments is not None else Arguments({})
        if durable and not exclusive and not auto_delete:
            arguments = self._with_type(arguments)
        if not name and arguments.get("x-queue-type") == "quorum":
            raise precondition("Cannot declare a server-named queue for type rabbit_quorum_queue")
        if not name:
            name = f"amq.gen-{urlsafe_b64encode(os.urandom(16)).rstrip(b'=').decode()}"
        elif user is not None:
            self._not_reserved("queue", name)
        self.check(user, "configure", "queue", name)
        self.broker.churn["queue_declared"] += 1
        if name in self.queues:
            return self._same_queue(name, durable, exclusive, auto_delete, arguments, owner)
        self._check_new_queue(user, name, durable, exclusive, auto_delete, arguments)
        found = Queue(
            self,
            name,
            durable=durable,
            auto_delete=auto_delete,
            arguments=arguments,
            owner=owner if exclusive else None,
            exclusive=exclusive,
            user=user.name if user else "rmqctl",
        )
        self.queues[name] = found
        self.broker.churn["queue_created"] += 1
        self._configure_queue(found)
        if exclusive and owner is not None:
            owner.exclusive_queues[found] = None
        self._define_queue(found)
        self._routes.clear()
        return found

    def delete_queue(
        self,
        user: User | None,
        name: str,
        *,
        if_unused: bool = False,
        if_empty: bool = False,
        owner: "Connection | None" = None,
    ) -> int:
        """How many ready messages went with it; 0 also when there was no such queue."""
        self.check(user, "configure", "queue", name)
        if name not in self.queues:
            return 0
        found = self.queue(name, owner)
        what = f"queue '{name}' in vhost '{self.name}'"
        if found.kind == "quorum" and (if_unused or if_empty):
            flag = "if-unused" if if_unused else "if-empty"
            raise AmqpError(
                540,
                f"cannot delete {what}. queue.delete operations with {flag} flag set are not supported by quorum queues",
            )
        if if_empty and found.ready.count:
            raise precondition(f"{what} not empty")
        if if_unused and found.consumers:
            raise precondition(f"{what} in use")
        count = found.ready.count
        self.remove_queue(found)
        return count

    def purge_queue(self, user: User | None, name: str, owner: "Connection | None" = None) -> int:
        self.check(user, "read", "queue", name)
        return self.queue(name, owner).purge()

    def remove_queue(self, queue: Queue) -> None:
        """Deletes it, whoever asked."""
        if self.queues.pop(queue.name, None) is None:
            return
        self._remove_bindings_to(Destination("queue", queue.name))
        if queue.owner is not None:
            queue.owner.exclusive_queues.pop(queue, None)
        if queue.durable and not queue.exclusive:
            self.broker.journal.define("queue", (self.name, queue.name), None)
        self.retired.add(queue.counts)
        self.broker.churn["queue_deleted"] += 1
        self._routes.clear()
        queue.delete()

    def _with_type(self, arguments: Arguments) -> Arguments:
        """With the virtual host's default queue type, which is for queues that may outlive their clients only."""
        default = self.metadata.get("default_queue_type", "classic")
        if "x-queue-type" in arguments or default in ("classic", "undefined", None):
            return arguments
        return Arguments({**arguments, "x-queue-type": default}, arguments.types)

    def _check_new_queue(
        self, user: User | None, name: str, durable: bool, exclusive: bool, auto_delete: bool, arguments: Arguments
    ) -> None:
        what = f"queue '{name}' in vhost '{self.name}'"
        kind = arguments.get("x-queue-type") or "classic"
        if kind == "stream":
            raise AmqpError(540, "queues of type stream are not implemented by this broker")
        if kind not in QUEUE_TYPES:
            problem = f"\"unsupported queue type '{kind}'\""
            if not isinstance(kind, str):
                problem = f"{{unacceptable_type,{arguments.type_of('x-queue-type')}}}"
            raise precondition(f"invalid arg 'x-queue-type' for {what}: {problem}")
        check_exchange_name("x-dead-letter-exchange", what, arguments)
        check_queue(name, self.name, kind, arguments)
        if kind == "quorum":
            self._check_quorum(name, durable, exclusive, auto_delete)
        if (limit := self.limits.get("max-queues", -1)) >= 0 and len(self.queues) >= limit:
            raise precondition(
                f"cannot declare queue '{name}': queue limit in vhost '{self.name}' ({limit}) is reached"
            )
        if (target := arguments.get("x-dead-letter-exchange")) is not None:
            self.check(user, "read", "queue", name)
            self.check(user, "write", "exchange", target)

    def _check_quorum(self, name: str, durable: bool, exclusive: bool, auto_delete: bool) -> None:
        what = f"queue '{name}' in vhost '{self.name}'"
        if not durable:
            raise precondition(f"invalid property 'non-durable' for {what}")
        if auto_delete:
            raise precondition(f"invalid property 'auto-delete' for {what}")
        if exclusive:
            raise precondition(f"invalid property 'exclusive-owner' for {what}")

    def _same_queue(
        self,
        name: str,
        durable: bool,
        exclusive: bool,
        auto_delete: bool,
        arguments: Arguments,
        owner: "Connection | None",
    ) -> Queue:
        found = self.queue(name, owner)
        if found.exclusive != exclusive:
            raise _locked(name, self.name)
        what = f"queue '{name}'"
        check_equal(what, self.name, found.arguments, arguments, ("x-queue-type",))
        if found.durable != durable:
            raise inequivalent("durable", what, self.name, f"'{_lower(durable)}'", f"'{_lower(found.durable)}'")
        if found.auto_delete != auto_delete:
            raise inequivalent(
                "auto_delete", what, self.name, f"'{_lower(auto_delete)}'", f"'{_lower(found.auto_delete)}'"
            )
        check_equal(what, self.name, found.arguments, arguments)
        found.used = self.broker.now
        return found

    # ------------------------------------------------------------------------------------------------------- bindings

    def bind(
        self,
        user: User | None,
        source: str,
        destination: Destination,
        key: str,
        arguments: Mapping[str, Any],
        owner: "Connection | None" = None,
    ) -> Binding:
        """The binding, there already or not."""
        exchange = self._to_bind(user, source, destination, key, owner)
        if exchange.kind == "headers":
            _check_x_match(arguments)
        binding = Binding(source, destination, key, dict(arguments))
        if exchange.bind(binding):
            self._bound.setdefault(destination, {})[binding.identity] = binding
            if self._is_durable(binding):
                self.broker.journal.define("binding", self._binding_key(binding), self.binding_document(binding))
            self._routes.clear()
        return binding

    def unbind(
        self,
        user: User | None,
        source: str,
        destination: Destination,
        key: str,
        arguments: Mapping[str, Any],
    ) -> bool:
        """False when there was no such binding."""
        self._may_bind(user, source, destination)
        exchange = self.exchanges.get(source)
        if exchange is None:
            return False
        self._may_read_topic(user, exchange, key)
        binding = exchange.bindings.get(Binding(source, destination, key, arguments).identity)
        if binding is None:
            return False
        self._remove_binding(exchange, binding)
        return True

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

    def binding_document(self, binding: Binding) -> dict[str, Any]:
        """As in definitions."""
        return {
            "source": binding.source,
            "vhost": self.name,
            "destination": binding.destination.name,
            "destination_type": binding.destination.kind,
            "routing_key": binding.key,
            "arguments": dict(binding.arguments),
        }

    def _to_bind(
        self, user: User | None, source: str, destination: Destination, key: str, owner: "Connection | None"
    ) -> Exchange:
        self._may_bind(user, source, destination)
        exchange = self.exchange(source)
        if destination.kind == "queue":
            self.queue(destination.name, owner)
        else:
            self.exchange(destination.name)
        self._may_read_topic(user, exchange, key)
        return exchange

    def _may_read_topic(self, user: User | None, exchange: Exchange, key: str) -> None:
        if user is not None and exchange.kind == "topic":
            user.check_topic("read", self.name, exchange.name, key)

    def _may_bind(self, user: User | None, source: str, destination: Destination) -> None:
        self._not_default(source)
        if destination.kind == "exchange":
            self._not_default(destination.name)
        self.check(user, "write", destination.kind, destination.name)
        self.check(user, "read", "exchange", source)

    def _remove_binding(self, exchange: Exchange, binding: Binding) -> None:
        durable = self._is_durable(binding)
        exchange.unbind(binding)
        bound = self._bound.get(binding.destination, {})
        bound.pop(binding.identity, None)
        if not bound:
            self._bound.pop(binding.destination, None)
        if durable:
            self.broker.journal.define("binding", self._binding_key(binding), None)
        self._routes.clear()
        if exchange.auto_delete and not exchange.bindings and exchange.name in self.exchanges:
            self._remove_exchange(exchange)

    def _remove_bindings_to(self, destination: Destination) -> None:
        for binding in list(self._bound.get(destination, {}).values()):
            if exchange := self.exchanges.get(binding.source):
                self._remove_binding(exchange, binding)
        self._bound.pop(destination, None)

    def _is_durable(self, binding: Binding) -> bool:
        source = self.exchanges.get(binding.source)
        kind, name = binding.destination
        target: Queue | Exchange | None = self.queues.get(name) if kind == "queue" else self.exchanges.get(name)
        if source is not None and not source.durable:
            return False
        # What is gone already was durable as far as one can tell: forgetting too much does no harm.
        return target is None or (target.durable and not (isinstance(target, Queue) and target.exclusive))

    def _binding_key(self, binding: Binding) -> tuple[str, ...]:
        source, destination, key, arguments = binding.identity
        return self.name, source, destination.kind, destination.name, key, arguments

    # -------------------------------------------------------------------------------------------------------- messages

    def route(self, exchange: Exchange, message: Message, more: Sequence[str] | None = None) -> Sequence[Queue]:
        """The queues that a message goes to, each once. `more`: other keys than those in its headers CC and BCC."""
        if more is None:
            more = more_keys(message, "CC", "BCC")
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

    def dead_letter(self, queue: Queue, entry: Entry, reason: str) -> None:
        """Sends a message that left a queue unwanted to where that queue wants it sent; nowhere when that is missing."""
        exchange = self.exchanges.get(queue.dead_letter_exchange or "")
        if exchange is None:
            return
        message = dead_lettered(queue, entry, reason, self.broker.now)
        more = more_keys(message, "CC") if queue.dead_letter_key is None else ()
        for target in self.route(exchange, message, more):
            if reason == "rejected" or not in_circles(target, message):
                target.push(message, redelivered=entry.count > 0)

    # -------------------------------------------------------------------------------------------------------- policies

    def apply_policies(self) -> None:
        """Anew, after a change of policies."""
        for exchange in self.exchanges.values():
            self._configure_exchange(exchange)
        for queue in list(self.queues.values()):
            self._configure_queue(queue)
        self._routes.clear()

    def _configure_exchange(self, exchange: Exchange) -> None:
        policy = policies.best(self.broker.policies_of(self.name), exchange.name, "exchange")
        exchange.policy = policy.name if policy else None
        alternate = exchange.arguments.get("alternate-exchange")
        if alternate is None and policy:
            alternate = policy.definition.get("alternate-exchange")
        exchange.alternate = alternate

    def _configure_queue(self, queue: Queue) -> None:
        policy = policies.best(self.broker.policies_of(self.name), queue.name, queue.kind)
        operator = policies.best(self.broker.operator_policies_of(self.name), queue.name, queue.kind)
        queue.policy = policy.name if policy else None
        queue.operator_policy = operator.name if operator else None
        queue.configure(policies.effective(queue.arguments, policy, operator, queue.kind))

    # ---------------------------------------------------------------------------------------------------------- checks

    def check(self, user: User | None, what: str, kind: str, name: str) -> None:
        """Raises AmqpError 403 when the user may not; `what`: configure, write or read."""
        if user is not None:
            user.check(what, self.name, kind, name)

    def check_any(self, user: User, kind: str, name: str) -> None:
        """Looking whether something is there takes any of the three permissions; the error is about configure."""
        if not any(user.may(what, self.name, name) for what in ("write", "read")):
            user.check("configure", self.name, kind, name)

    def _not_default(self, name: str) -> None:
        if not name:
            raise refused("operation not permitted on the default exchange")

    def _not_reserved(self, kind: str, name: str) -> None:
        if name.startswith(_RESERVED):
            raise refused(f"{kind} name '{name}' contains reserved prefix 'amq.*'")

    # ------------------------------------------------------------------------------------------------------ definitions

    def exchange_document(self, exchange: Exchange) -> dict[str, Any]:
        """As in definitions."""
        return {
            "name": exchange.name,
            "vhost": self.name,
            "type": exchange.kind,
            "durable": exchange.durable,
            "auto_delete": exchange.auto_delete,
            "internal": exchange.internal,
            "arguments": exchange.arguments,
        }

    def queue_document(self, queue: Queue) -> dict[str, Any]:
        """As in definitions."""
        return {
            "name": queue.name,
            "vhost": self.name,
            "durable": queue.durable,
            "auto_delete": queue.auto_delete,
            "arguments": queue.arguments,
        }

    def _define_exchange(self, exchange: Exchange) -> None:
        if exchange.durable:
            document = {**self.exchange_document(exchange), "user": exchange.user}
            self.broker.journal.define("exchange", (self.name, exchange.name), document)

    def _define_queue(self, queue: Queue) -> None:
        if queue.durable and not queue.exclusive:
            document = {**self.queue_document(queue), "user": queue.user}
            self.broker.journal.define("queue", (self.name, queue.name), document)


def _locked(name: str, vhost: str) -> AmqpError:
    return AmqpError(
        405,
        f"cannot obtain exclusive access to locked queue '{name}' in vhost '{vhost}'. It could be originally declared on "
        "another connection or the exclusive property value does not match that of the original declaration.",
    )


def _lower(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _check_x_match(arguments: Mapping[str, Any]) -> None:
    mode = arguments.get("x-match", "all")
    if not isinstance(mode, str):
        kind = Arguments(arguments, getattr(arguments, "types", {})).type_of("x-match")
        raise precondition(f"Invalid x-match field type {kind} (value {mode}); expected longstr")
    if mode not in ("all", "any", "all-with-x", "any-with-x"):
        raise precondition(f'Invalid x-match field value <<"{mode}">>; expected all, any, all-with-x, or any-with-x')
