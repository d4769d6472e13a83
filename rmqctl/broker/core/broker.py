"""The broker: virtual hosts, users, policies, parameters and connections; what is not of one virtual host alone."""

import hmac
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from rmqctl.broker.core.attempts import Attempts
from rmqctl.broker.core.errors import AmqpError, not_found
from rmqctl.broker.core.journal import Ephemeral, Journal
from rmqctl.broker.core.policies import Policy
from rmqctl.broker.core.stats import CHURN
from rmqctl.broker.core.timers import Timers
from rmqctl.broker.core.users import Permission, TopicPermission, User, hash_password
from rmqctl.broker.core.vhost import VHost

if TYPE_CHECKING:
    from rmqctl.broker.amqp.channel import Channel
    from rmqctl.broker.amqp.connection import Connection

# The release of RabbitMQ whose answers this broker gives.
RABBITMQ_VERSION = "4.3.6"
DEFAULT_VHOST = "/"
DEFAULT_USER = "guest"


class Awaiting(Protocol):
    def committed(self, batch: int) -> None: ...


class Broker:
    """`clock` tells Unix seconds; `consumer_timeout` is the delivery acknowledgement timeout in seconds, None for none."""

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        journal: Journal | None = None,
        node: str = "rabbit@localhost",
        consumer_timeout: float | None = 1800.0,
    ) -> None:
        self.clock = clock
        self.now = self.started = clock()
        self.journal: Journal = journal or Ephemeral()
        self.node = node
        self.cluster_name = node
        self.consumer_timeout = consumer_timeout
        self.attempts = Attempts()
        self.timers = Timers()
        self.users: dict[str, User] = {}
        self.vhosts: dict[str, VHost] = {}
        self.policies: dict[tuple[str, str], Policy] = {}
        self.operator_policies: dict[tuple[str, str], Policy] = {}
        self.parameters: dict[tuple[str, str, str], Any] = {}
        """By vhost, component and name."""
        self.global_parameters: dict[str, Any] = {}
        self.connections: dict[Connection, None] = {}
        self.access_epoch = 0
        """Grows with every change of what somebody may do: what was learned before has to be asked again."""
        self.awaiting: dict[Awaiting, None] = {}
        """Who has something to say as soon as the store has kept what was told it."""
        self.reply_channels: dict[str, Channel] = {}
        """Consumers of direct reply-to, by the token in their addresses."""
        self._secret = os.urandom(16)
        self.churn = dict.fromkeys(CHURN, 0)
        """How often connections, channels and queues came and went."""
        self.memory_limit: int | None = None
        """Bytes; None for no limit."""
        self.alarmed = False
        """Memory is above the limit: publishers wait."""
        if consumer_timeout is not None:
            self._watch_consumers(consumer_timeout)

    def seal(self, token: str) -> str:
        """Tells a token that this broker made from any other text."""
        return hmac.new(self._secret, token.encode("utf-8", "replace"), "sha256").hexdigest()[:16]

    def tick(self) -> None:
        """Has the clock read and does what is due."""
        self.now = self.clock()
        self.timers.run(self.now)

    def seed(self) -> None:
        """What a new RabbitMQ has: the vhost / and the administrator guest."""
        self.add_vhost(DEFAULT_VHOST, {"description": "Default virtual host"})
        self.put_user(User(DEFAULT_USER, hash_password(DEFAULT_USER), ["administrator"]))
        self.set_permission(DEFAULT_USER, DEFAULT_VHOST, Permission(".*", ".*", ".*"))

    def committed(self, batch: int) -> None:
        """The store has everything up to this batch: confirms may go out."""
        for each in list(self.awaiting):
            each.committed(batch)

    # --------------------------------------------------------------------------------------------------------- vhosts

    def vhost(self, name: str) -> VHost:
        """Raises AmqpError 404."""
        found = self.vhosts.get(name)
        if found is None:
            raise AmqpError(404, f"no vhost '{name}'")
        return found

    def add_vhost(self, name: str, metadata: Mapping[str, Any] | None = None) -> VHost:
        """The vhost of that name, made when there was none; `metadata`: description, tags, default_queue_type."""
        found = self.vhosts.get(name)
        if found is None:
            found = self.vhosts[name] = VHost(self, name, metadata)
        elif metadata:
            found.metadata |= metadata
        self.define_vhost(found)
        return found

    def define_vhost(self, vhost: VHost) -> None:
        """To be called after a change of its metadata, limits or tracing."""
        document = {"metadata": vhost.metadata, "limits": vhost.limits, "tracing": vhost.tracing}
        self.journal.define("vhost", (vhost.name,), document)

    def delete_vhost(self, name: str) -> None:
        """With everything in it. Raises AmqpError 404."""
        vhost = self.vhost(name)
        for connection in [each for each in self.connections if each.vhost is vhost]:
            connection.close(320, f"vhost '{name}' is deleted")
        for queue in list(vhost.queues.values()):
            vhost.remove_queue(queue)
        del self.vhosts[name]
        for user in self.users.values():
            user.permissions.pop(name, None)
            user.topic_permissions.pop(name, None)
        for kept in (self.policies, self.operator_policies):
            for key in [key for key in kept if key[0] == name]:
                del kept[key]
        for parameter in [key for key in self.parameters if key[0] == name]:
            del self.parameters[parameter]
        self.access_epoch += 1
        self.journal.define("vhost", (name,), None)

    # ---------------------------------------------------------------------------------------------------------- users

    def user(self, name: str) -> User:
        """Raises AmqpError 404."""
        found = self.users.get(name)
        if found is None:
            raise AmqpError(404, f"no user '{name}'")
        return found

    def authenticate(self, name: str, password: str) -> User | None:
        user = self.users.get(name)
        return user if user is not None and user.has_password(password) else None

    def put_user(self, user: User) -> None:
        """Adds it, or changes password and tags of the one there is."""
        known = self.users.get(user.name)
        if known is not None:
            known.password_hash, known.algorithm, known.tags = user.password_hash, user.algorithm, user.tags
        else:
            self.users[user.name] = user
        self.define_user(self.users[user.name])

    def define_user(self, user: User) -> None:
        """To be called after a change of its limits."""
        self.access_epoch += 1
        self.journal.define("user", (user.name,), user.document())

    def delete_user(self, name: str) -> None:
        """With its connections. Raises AmqpError 404."""
        user = self.user(name)
        del self.users[name]
        self.access_epoch += 1
        for connection in [each for each in self.connections if each.user is user]:
            connection.close(320, f"user '{name}' is deleted")
        self.journal.define("user", (name,), None)

    def set_permission(self, user: str, vhost: str, permission: Permission | None) -> None:
        """None clears it. Raises AmqpError 404."""
        found = self.user(user)
        self.vhost(vhost)
        if permission is None:
            found.permissions.pop(vhost, None)
        else:
            found.permissions[vhost] = permission
        self.access_epoch += 1
        self.journal.define("permission", (user, vhost), permission and permission._asdict())

    def set_topic_permission(self, user: str, vhost: str, exchange: str, permission: TopicPermission | None) -> None:
        """None clears it. Raises AmqpError 404."""
        found = self.user(user).topic_permissions.setdefault(vhost, {})
        self.vhost(vhost)
        if permission is None:
            found.pop(exchange, None)
        else:
            found[exchange] = permission
        self.access_epoch += 1
        self.journal.define("topic_permission", (user, vhost, exchange), permission and permission._asdict())

    # -------------------------------------------------------------------------------------------- policies, parameters

    def policies_of(self, vhost: str) -> Iterable[Policy]:
        return [policy for policy in self.policies.values() if policy.vhost == vhost]

    def operator_policies_of(self, vhost: str) -> Iterable[Policy]:
        return [policy for policy in self.operator_policies.values() if policy.vhost == vhost]

    def set_policy(self, policy: Policy, *, operator: bool = False) -> None:
        """Raises AmqpError 404 when there is no such vhost."""
        vhost = self.vhost(policy.vhost)
        (self.operator_policies if operator else self.policies)[policy.vhost, policy.name] = policy
        kind = "operator_policy" if operator else "policy"
        self.journal.define(kind, (policy.vhost, policy.name), policy.document())
        vhost.apply_policies()

    def clear_policy(self, vhost: str, name: str, *, operator: bool = False) -> None:
        """Raises AmqpError 404."""
        found = self.operator_policies if operator else self.policies
        if (vhost, name) not in found:
            raise not_found("policy", name, vhost)
        del found[vhost, name]
        self.journal.define("operator_policy" if operator else "policy", (vhost, name), None)
        self.vhost(vhost).apply_policies()

    def set_parameter(self, vhost: str, component: str, name: str, value: Any) -> None:
        """None clears it."""
        if value is None:
            self.parameters.pop((vhost, component, name), None)
        else:
            self.parameters[vhost, component, name] = value
        self.journal.define("parameter", (vhost, component, name), None if value is None else {"value": value})

    def set_global_parameter(self, name: str, value: Any) -> None:
        """`cluster_name` names the cluster."""
        self.global_parameters[name] = value
        if name == "cluster_name":
            self.cluster_name = value or self.node
        self.journal.define("global_parameter", (name,), {"value": value})

    def clear_global_parameter(self, name: str) -> None:
        """There must be one."""
        del self.global_parameters[name]
        if name == "cluster_name":
            self.cluster_name = self.node
        self.journal.define("global_parameter", (name,), None)

    # ----------------------------------------------------------------------------------------------------- connections

    def connections_of(self, *, user: User | None = None, vhost: VHost | None = None) -> Sequence["Connection"]:
        """The open connections of a user, or to a vhost."""
        return [
            each
            for each in self.connections
            if each.is_open and (user is None or each.user is user) and (vhost is None or each.vhost is vhost)
        ]

    def set_alarm(self, on: bool) -> None:
        """Memory is short, or no longer: publishers are blocked, or go on."""
        if on != self.alarmed:
            self.alarmed = on
            for connection in list(self.connections):
                connection.alarm_changed()

    def _watch_consumers(self, timeout: float) -> None:
        """Looks again and again for deliveries that were never acknowledged."""

        def look() -> None:
            for connection in list(self.connections):
                connection.close_late_channels(self.now - timeout)
            self.timers.at(self.now + pause, look)

        pause = min(timeout / 2, 60.0)
        self.timers.at(self.now + pause, look)
