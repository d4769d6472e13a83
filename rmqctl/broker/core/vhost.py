"""A virtual host: the rules for declaring, binding and deleting what is in it, its policies and its limits.

AMQP and the HTTP API use these same functions. `user` is who asks and is checked; None asks for nobody's permission.
All of them raise Refusal, and have done nothing then. What is durable is journaled here, by whatever way it changes.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rmqctl.broker.core.arguments import Arguments, check_exchange_name
from rmqctl.broker.core.classic import ClassicQueue
from rmqctl.broker.core.dead_letters import DeadLetters
from rmqctl.broker.core.declarations import (
    check_same_exchange,
    check_same_queue,
    check_server_named,
    check_type,
    check_x_match,
    kind_of,
    locked,
)
from rmqctl.broker.core.errors import Reason, Refusal, not_found, precondition, refused
from rmqctl.broker.core.exchange import Binding, Destination, Exchange
from rmqctl.broker.core.firehose import EXCHANGE as FIREHOSE
from rmqctl.broker.core.firehose import Firehose
from rmqctl.broker.core.limits import reached
from rmqctl.broker.core.message import Entry, Message
from rmqctl.broker.core.node import Node
from rmqctl.broker.core.policies import EXCHANGES, Policy, best, bounded, effective, policy_kind
from rmqctl.broker.core.ports import Connection
from rmqctl.broker.core.publishing import put
from rmqctl.broker.core.queue import Purged, Queue
from rmqctl.broker.core.removal import Going, going_with
from rmqctl.broker.core.routing import Router
from rmqctl.broker.core.shield import shielded
from rmqctl.broker.core.stats import Counts
from rmqctl.broker.core.users import User
from rmqctl.broker.core.vhost_settings import Settings

DEFAULT_VHOST = "/"
_RESERVED = "amq."
_PREDECLARED = (
    ("", "direct"),
    ("amq.direct", "direct"),
    ("amq.fanout", "fanout"),
    ("amq.headers", "headers"),
    ("amq.match", "headers"),
    ("amq.topic", "topic"),
    (FIREHOSE, "topic"),
)
LOG = "amq.rabbitmq.log"
"""The exchange of the default virtual host that carries the broker's log."""


class VHost(Settings):
    def __init__(self, node: Node, name: str) -> None:
        super().__init__(node, name, Firehose(node, name, self.emit))
        self.retired = Counts()
        """Of the queues that are gone: the totals of a vhost never go backwards."""
        self.published = Counts()
        """Of the channels that are gone."""
        self.received_bytes = 0
        self.sent_bytes = 0
        """Of the connections that are gone."""
        self.router = Router()
        self._policies: dict[str, Policy] = {}
        self._operator_policies: dict[str, Policy] = {}
        self._exclusive: dict[Connection, dict[Queue, None]] = {}
        """The exclusive queues of each connection that has any."""
        self._dead_letters = DeadLetters(self.router, node)
        for exchange, kind in _PREDECLARED if name != DEFAULT_VHOST else (*_PREDECLARED, (LOG, "topic")):
            self.router.exchanges[exchange] = Exchange(
                exchange,
                kind,
                durable=True,
                auto_delete=False,
                internal=exchange.startswith("amq.rabbitmq."),
                arguments={},
                entropy=node.entropy,
            )

    @property
    def exchanges(self) -> Mapping[str, Exchange]:
        return self.router.exchanges

    @property
    def queues(self) -> Mapping[str, Queue]:
        return self.router.queues

    @property
    def policies(self) -> Mapping[str, Policy]:
        return self._policies

    @property
    def operator_policies(self) -> Mapping[str, Policy]:
        return self._operator_policies

    # ------------------------------------------------------------------------------------------------------ exchanges

    def exchange(self, name: str) -> Exchange:
        found = self.router.exchanges.get(name)
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
        by: str = "rmqctl",
    ) -> Exchange:
        """`by` is who is said to have declared it when nobody asks."""
        arguments = arguments if arguments is not None else Arguments({})
        check_type(kind)
        self._not_default(name)
        self.check(user, "configure", "exchange", name)
        found = self.router.exchanges.get(name)
        if found is not None:
            check_same_exchange(found, self.name, kind, durable, auto_delete, internal, arguments)
            return found
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
            entropy=self.node.entropy,
            user=user.name if user else by,
        )
        self._configure_exchange(found)
        if durable:
            document = {**found.document(self.name), "user": found.user}
            self.node.define("exchange", (self.name, name), document)
            self.node.settle()
        self.router.exchanges[name] = found
        self.router.changed()
        return found

    def delete_exchange(self, user: User | None, name: str, *, if_unused: bool = False) -> bool:
        """False when there was none."""
        self._not_default(name)
        if user is not None and name.startswith(_RESERVED):
            raise refused(f"deletion of system exchange '{name}' in vhost '{self.name}' not allowed")
        self.check(user, "configure", "exchange", name)
        found = self.router.exchanges.get(name)
        if found is None:
            return False
        if if_unused and found.bindings:
            raise precondition(f"exchange '{name}' in vhost '{self.name}' in use")
        going = going_with(self.router, found)
        self._journal_removal(going)
        self.node.settle()
        self._drop(going)
        return True

    def _journal_removal(self, going: Going) -> None:
        for source, binding in going.bindings.values():
            if self._is_durable(source, binding):
                self.node.define("binding", self._binding_key(binding), None)
        for exchange in going.exchanges.values():
            if exchange.durable:
                self.node.define("exchange", (self.name, exchange.name), None)

    def _drop(self, going: Going) -> None:
        for source, binding in going.bindings.values():
            self.router.unbind(source, binding)
        for name in going.exchanges:
            self.router.exchanges.pop(name, None)
        self.router.changed()

    def _check_alternate(self, user: User | None, name: str, arguments: Arguments) -> None:
        if "alternate-exchange" not in arguments:
            return
        check_exchange_name("alternate-exchange", f"exchange '{name}' in vhost '{self.name}'", arguments)
        self.check(user, "read", "exchange", name)
        self.check(user, "write", "exchange", arguments["alternate-exchange"])

    # --------------------------------------------------------------------------------------------------------- queues

    def queue(self, name: str, owner: Connection | None = None) -> Queue:
        """Refused also when it is exclusive to another connection than `owner`."""
        found = self.router.queues.get(name)
        if found is None:
            raise not_found("queue", name, self.name)
        if found.exclusive and found.owner is not owner:
            raise locked(name, self.name)
        return found

    def queue_to_get(self, name: str, owner: Connection | None = None) -> Queue:
        """Refused also when the queue hands out nothing to basic.get."""
        found = self.queue(name, owner)
        if found.is_lockable():
            raise Refusal(
                Reason.RESOURCE_LOCKED,
                f"cannot obtain access to locked queue '{name}' in vhost '{self.name}'. basic.get operations are "
                f'not supported by <<"{found.kind}">> queues with single active consumer',
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
        owner: Connection | None = None,
        by: str = "rmqctl",
    ) -> Queue:
        """Without a name the broker gives it one; one that is exclusive is not durable, whatever is said.

        `by` is who is said to have declared it when nobody asks.
        """
        arguments = arguments if arguments is not None else Arguments({})
        if durable and not exclusive and not auto_delete:
            arguments = self._with_type(arguments)
        if not name:
            check_server_named(arguments)
            name = f"amq.gen-{self.node.random_name()}"
        elif user is not None:
            self._not_reserved("queue", name)
        self.check(user, "configure", "queue", name)
        self.node.churn["queue_declared"] += 1
        if name in self.router.queues:
            found = self.queue(name, owner)
            check_same_queue(found, durable, exclusive, auto_delete, arguments)
            found.used = self.node.now
            return found
        kind = self._check_new_queue(user, name, durable, exclusive, auto_delete, arguments)
        found = kind(
            self.node,
            self,
            name,
            durable=durable and not exclusive,
            auto_delete=auto_delete,
            arguments=arguments,
            owner=owner if exclusive else None,
            exclusive=exclusive,
            user=user.name if user else by,
        )
        self._configure_queue(found)
        if durable and not exclusive:
            self._journal_queue(found)
        self.router.queues[name] = found
        self.node.churn["queue_created"] += 1
        self.router.changed()
        if exclusive and owner is not None:
            self._exclusive.setdefault(owner, {})[found] = None
        return found

    def _journal_queue(self, queue: Queue) -> None:
        document = {**queue.document(), "user": queue.user}
        try:
            queue.number = self.node.define("queue", (self.name, queue.name), document)
            self.node.settle()
        except Refusal:
            # It has timers already.
            queue.delete()
            raise

    def delete_queue(
        self,
        user: User | None,
        name: str,
        *,
        if_unused: bool = False,
        if_empty: bool = False,
        owner: Connection | None = None,
    ) -> int:
        """How many ready messages went with it; 0 also when there was no such queue."""
        self.check(user, "configure", "queue", name)
        if name not in self.router.queues:
            return 0
        found = self.queue(name, owner)
        what = f"queue '{name}' in vhost '{self.name}'"
        if not found.deletes_on_conditions and (if_unused or if_empty):
            flag = "if-unused" if if_unused else "if-empty"
            raise Refusal(
                Reason.NOT_IMPLEMENTED,
                f"cannot delete {what}. queue.delete operations with {flag} flag set are not supported by "
                f"{found.kind} queues",
            )
        if if_empty and found.ready.count:
            raise precondition(f"{what} not empty")
        if if_unused and found.consumers:
            raise precondition(f"{what} in use")
        count = found.ready.count
        self._remove_queue(found, self.node.settle)
        return count

    def purge_queue(self, user: User | None, name: str, owner: Connection | None = None) -> Purged:
        self.check(user, "read", "queue", name)
        return self.queue(name, owner).purge()

    def remove_queue(self, queue: Queue) -> None:
        """The broker deletes it by itself."""
        self._remove_queue(queue, self.node.settle_if_possible)

    def _remove_queue(self, queue: Queue, settle: Callable[[], None]) -> None:
        if self.router.queues.get(queue.name) is not queue:
            return
        going = going_with(self.router, queue)
        self._journal_removal(going)
        if queue.number:
            self.node.define("queue", (self.name, queue.name), None)
        settle()
        del self.router.queues[queue.name]
        self._drop(going)
        if queue.owner is not None:
            self._exclusive.get(queue.owner, {}).pop(queue, None)
        self.retired.add(queue.counts)
        self.node.churn["queue_deleted"] += 1
        queue.delete()

    def forget_connection(self, owner: Connection) -> None:
        """It is closed: its exclusive queues go with it."""
        for queue in self._exclusive.pop(owner, {}):
            with shielded(f"delete queue '{queue.name}' with its connection"):
                self.remove_queue(queue)

    def _with_type(self, arguments: Arguments) -> Arguments:
        """With the virtual host's default queue type, which is for queues that may outlive their clients only."""
        default = self._metadata.get("default_queue_type", ClassicQueue.kind)
        if "x-queue-type" in arguments or default in (ClassicQueue.kind, "undefined", None):
            return arguments
        return Arguments({**arguments, "x-queue-type": default}, arguments.types)

    def _check_new_queue(
        self, user: User | None, name: str, durable: bool, exclusive: bool, auto_delete: bool, arguments: Arguments
    ) -> type[Queue]:
        what = f"queue '{name}' in vhost '{self.name}'"
        kind = kind_of(arguments, what)
        check_exchange_name("x-dead-letter-exchange", what, arguments)
        kind.check(what, durable, exclusive, auto_delete, arguments)
        limit = reached(self._limits, "max-queues", len(self.router.queues)) if user is not None else None
        if limit is not None:
            raise precondition(
                f"cannot declare queue '{name}': queue limit in vhost '{self.name}' ({limit}) is reached"
            )
        if (target := arguments.get("x-dead-letter-exchange")) is not None:
            self.check(user, "read", "queue", name)
            self.check(user, "write", "exchange", target)
        return kind

    # ------------------------------------------------------------------------------------------------------- bindings

    def bind(
        self,
        user: User | None,
        source: str,
        destination: Destination,
        key: str,
        arguments: Mapping[str, Any],
        owner: Connection | None = None,
    ) -> Binding:
        """The binding, there already or not."""
        self._may_bind(user, source, destination)
        exchange = self.exchange(source)
        if destination.kind == "queue":
            self.queue(destination.name, owner)
        else:
            self.exchange(destination.name)
        self._may_read_topic(user, exchange, key)
        if exchange.kind == "headers":
            check_x_match(arguments)
        binding = Binding(source, destination, key, dict(arguments))
        if binding.identity not in exchange.bindings:
            if self._is_durable(exchange, binding):
                self.node.define("binding", self._binding_key(binding), binding.document(self.name))
                self.node.settle()
            self.router.bind(exchange, binding)
        return binding

    def unbind(
        self,
        user: User | None,
        source: str,
        destination: Destination,
        key: str,
        arguments: Mapping[str, Any],
        owner: Connection | None = None,
    ) -> bool:
        """False when there was no such binding."""
        self._may_bind(user, source, destination)
        exchange = self.router.exchanges.get(source)
        if exchange is None:
            return False
        self._may_read_topic(user, exchange, key)
        binding = exchange.bindings.get(Binding(source, destination, key, arguments).identity)
        if binding is None:
            return False
        if destination.kind == "queue":
            self.queue(destination.name, owner)
        going = going_with(self.router, bindings=[binding])
        self._journal_removal(going)
        self.node.settle()
        self._drop(going)
        return True

    def _may_read_topic(self, user: User | None, exchange: Exchange, key: str) -> None:
        if user is not None and exchange.kind == "topic":
            user.check_topic("read", self.name, exchange.name, key)

    def _may_bind(self, user: User | None, source: str, destination: Destination) -> None:
        self._not_default(source)
        if destination.kind == "exchange":
            self._not_default(destination.name)
        self.check(user, "write", destination.kind, destination.name)
        self.check(user, "read", "exchange", source)

    def _is_durable(self, source: Exchange, binding: Binding) -> bool:
        target = self.router.find(binding.destination)
        lasts = target is not None and target.durable and not (isinstance(target, Queue) and target.exclusive)
        return source.durable and lasts

    def _binding_key(self, binding: Binding) -> tuple[str, ...]:
        source, destination, key, arguments = binding.identity
        return self.name, source, destination.kind, destination.name, key, arguments

    # ---------------------------------------------------------------------------------------------------- dead letters

    def let_go(self, entries: Iterator[Entry]) -> None:
        self._dead_letters.let_go(entries)

    def dead_letter(self, queue: Queue, entries: Iterator[Entry], reason: str) -> None:
        """See `Home`."""
        self._dead_letters.add(queue, entries, reason)

    def dead_letters_later(self) -> DeadLetters:
        """See `Home`."""
        return self._dead_letters

    def emit(self, message: Message) -> None:
        """Routes a message of the broker's own: nobody is asked whether he may."""
        put(message, self.router.route(self.router.exchanges[message.exchange], message))

    # -------------------------------------------------------------------------------------------------------- policies

    def set_policy(self, policy: Policy, *, operator: bool = False) -> None:
        """For one that was `policies.checked`."""
        self.node.define(policy_kind(operator), (self.name, policy.name), policy.document())
        self.node.settle()
        (self._operator_policies if operator else self._policies)[policy.name] = policy
        self._apply_policies()

    def clear_policy(self, name: str, *, operator: bool = False) -> None:
        kept = self._operator_policies if operator else self._policies
        if name not in kept:
            raise not_found("policy", name, self.name)
        self.node.define(policy_kind(operator), (self.name, name), None)
        self.node.settle()
        del kept[name]
        self._apply_policies()

    def _apply_policies(self) -> None:
        for exchange in self.router.exchanges.values():
            self._configure_exchange(exchange)
        for queue in list(self.router.queues.values()):
            self._configure_queue(queue)
        self.router.changed()

    def _configure_exchange(self, exchange: Exchange) -> None:
        policy = best(self._policies.values(), exchange.name, EXCHANGES, frozenset())
        exchange.policy = policy.name if policy else None
        alternate = exchange.arguments.get("alternate-exchange")
        if alternate is None and policy:
            alternate = policy.definition.get("alternate-exchange")
        exchange.alternate = alternate

    def _configure_queue(self, queue: Queue) -> None:
        kinds = queue.policies, queue.foreign_policy_keys
        policy = best(self._policies.values(), queue.name, *kinds)
        operator = best(self._operator_policies.values(), queue.name, *kinds)
        queue.effective_policy = dict(sorted(effective({}, policy, operator).items()))
        queue.policy = policy.name if policy else None
        queue.operator_policy = operator.name if operator else None
        settings = effective(queue.arguments, policy, operator, queue.policy_before_arguments)
        queue.configure(bounded(settings))

    # ---------------------------------------------------------------------------------------------------------- checks

    def check(self, user: User | None, what: str, kind: str, name: str) -> None:
        """`what`: configure, write or read."""
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
