"""The broker: virtual hosts, users and connections; what is not of one virtual host alone."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rmqctl.broker.core.alarms import Alarms
from rmqctl.broker.core.attempts import Attempts
from rmqctl.broker.core.errors import Reason, Refusal, invalid
from rmqctl.broker.core.limits import reached
from rmqctl.broker.core.node import Node
from rmqctl.broker.core.permissions import Permission
from rmqctl.broker.core.ports import Connection
from rmqctl.broker.core.replies import DirectReplies
from rmqctl.broker.core.shield import shielded
from rmqctl.broker.core.users import SALT, SHA256, User, hash_password
from rmqctl.broker.core.vhost import DEFAULT_VHOST, VHost

# The release of RabbitMQ whose answers this broker gives.
RABBITMQ_VERSION = "4.3.6"
DEFAULT_USER = "guest"


class Broker:
    """`consumer_timeout`: see `Node.consumer_timeout`."""

    def __init__(self, node: Node, *, consumer_timeout: float | None = 1800.0) -> None:
        self.node = node
        self.cluster_name = node.name
        node.consumer_timeout = consumer_timeout
        self.attempts = Attempts()
        self.replies = DirectReplies(node)
        self._users: dict[str, User] = {}
        self._vhosts: dict[str, VHost] = {}
        self._global_parameters: dict[str, Any] = {}
        self.connections: dict[Connection, None] = {}
        self.memory_limit: int | None = None
        """Bytes of the process; None for no limit. Publishers wait while there are more."""
        self.data_folder = "."
        """Where it keeps what is durable: the disk that may be short."""
        self.disk_limit = 0
        """Bytes that have to be free. Publishers wait while there are fewer."""
        self.limited: Callable[[], None] = lambda: None
        """Is called when one of the two limits was changed while the broker runs: whether it is kept is seen at once."""
        self.alarms = Alarms(self._alarms_changed)
        self.alarmed = False
        """Whether there is any alarm."""
        self.blocked: Callable[[], None] = lambda: None
        """Is called when publishers are blocked, or no longer: their sockets are not read meanwhile."""

    @property
    def users(self) -> Mapping[str, User]:
        return self._users

    @property
    def vhosts(self) -> Mapping[str, VHost]:
        return self._vhosts

    @property
    def global_parameters(self) -> Mapping[str, Any]:
        return self._global_parameters

    def seed(self) -> None:
        """What a new RabbitMQ has: the vhost / and the administrator guest."""
        self.add_vhost(DEFAULT_VHOST, {"description": "Default virtual host"})
        guest = self.put_user(DEFAULT_USER, self.hash_password(DEFAULT_USER), ["administrator"])
        guest.permit(DEFAULT_VHOST, Permission(".*", ".*", ".*"))

    # --------------------------------------------------------------------------------------------------------- vhosts

    def vhost(self, name: str) -> VHost:
        """Raises Refusal."""
        found = self._vhosts.get(name)
        if found is None:
            raise Refusal(Reason.NOT_FOUND, f"no vhost '{name}'")
        return found

    def add_vhost(
        self,
        name: str,
        metadata: Mapping[str, Any] | None = None,
        *,
        tracing: bool | None = None,
        maker: User | None = None,
    ) -> VHost:
        """The vhost of that name, made when there was none; see `VHost.describe`. Who makes it may do everything in it."""
        found = self._vhosts.get(name)
        if found is not None:
            if metadata is not None:
                found.describe(metadata, tracing=tracing)
            return found
        found = VHost(self.node, name)
        found.describe(metadata or {}, tracing=tracing)
        self._vhosts[name] = found
        if maker is not None:
            maker.permit(name, Permission(".*", ".*", ".*"))
        return found

    def delete_vhost(self, name: str) -> None:
        """With everything in it. Raises Refusal, also when it is protected."""
        vhost = self.vhost(name)
        if vhost.metadata.get("protected_from_deletion"):
            raise Refusal(
                Reason.PRECONDITION_FAILED,
                f"Refusing to delete virtual host '{name}' because it is protected from deletion",
            )
        # All in one: a broker that is killed has the whole of it, or nothing.
        self.node.define("vhost", (name,), None)
        self.node.settle()
        for queue in list(vhost.queues.values()):
            vhost.remove_queue(queue)
        for connection in [each for each in self.connections if each.vhost_name == name]:
            connection.close(f"vhost '{name}' is deleted")
        del self._vhosts[name]
        for user in self._users.values():
            user.forget_vhost(name)

    # ---------------------------------------------------------------------------------------------------------- users

    def user(self, name: str) -> User:
        """Raises Refusal."""
        found = self._users.get(name)
        if found is None:
            raise Refusal(Reason.NOT_FOUND, f"no user '{name}'")
        return found

    def authenticate(self, name: str, password: str) -> User | None:
        user = self._users.get(name)
        return user if user is not None and user.has_password(password) else None

    def put_user(self, name: str, password_hash: str, tags: Sequence[str], algorithm: str = SHA256) -> User:
        """Adds a user, or changes password and tags of the one there is."""
        user = self._users.get(name) or User(self.node, name)
        user.identify(password_hash, algorithm, tags)
        self._users[name] = user
        return user

    def restore_user(self, document: Mapping[str, Any]) -> None:
        """One as `User.document` gives it."""
        user = User(self.node, document["name"])
        user.restore(document)
        self._users[user.name] = user

    def delete_user(self, name: str) -> None:
        """With its connections. Raises Refusal."""
        self.user(name)
        self.node.define("user", (name,), None)
        self.node.settle()
        del self._users[name]
        for connection in [each for each in self.connections if each.user_name == name]:
            connection.close(f"user '{name}' is deleted")

    def hash_password(self, password: str, algorithm: str = SHA256) -> str:
        return hash_password(password, self.node.entropy.token(SALT), algorithm)

    # -------------------------------------------------------------------------------------------------- parameters

    def set_global_parameter(self, name: str, value: Any) -> None:
        """`cluster_name` names the cluster. Raises Refusal for one that is no text."""
        if name == "cluster_name" and not isinstance(value, str):
            raise invalid("cluster_name should be a string")
        self.node.define("global_parameter", (name,), {"value": value})
        self.node.settle()
        self._global_parameters[name] = value
        if name == "cluster_name":
            self.cluster_name = value or self.node.name

    def clear_global_parameter(self, name: str) -> None:
        """There must be one."""
        self.node.define("global_parameter", (name,), None)
        self.node.settle()
        del self._global_parameters[name]
        if name == "cluster_name":
            self.cluster_name = self.node.name

    # ----------------------------------------------------------------------------------------------------- connections

    def connections_of(self, *, user: str | None = None, vhost: str | None = None) -> Sequence[Connection]:
        """The open connections of a user, or to a vhost."""
        return [
            each
            for each in self.connections
            if each.is_open and (user is None or each.user_name == user) and (vhost is None or each.vhost_name == vhost)
        ]

    def admit(self, user: User, name: str) -> VHost:
        """The virtual host that a user may connect to now. Raises Refusal."""
        vhost = self._vhosts.get(name)
        if vhost is None:
            raise Refusal(Reason.NOT_ALLOWED, f"vhost {name} not found")
        user.check_vhost(name)
        limit = reached(vhost.limits, "max-connections", len(self.connections_of(vhost=name)))
        if limit is not None:
            raise Refusal(
                Reason.NOT_ALLOWED,
                f"access to vhost '{name}' refused for user '{user.name}': connection limit ({limit}) is reached",
            )
        limit = reached(user.limits, "max-connections", len(self.connections_of(user=user.name)))
        if limit is not None:
            raise Refusal(
                Reason.NOT_ALLOWED,
                f"connection refused for user '{user.name}': user connection limit ({limit}) is reached",
            )
        return vhost

    def admit_channel(self, user: User) -> None:
        """Raises Refusal when the user's channels are as many as its limit."""
        if "max-channels" not in user.limits:
            return
        count = sum(len(each.channels) for each in self.connections_of(user=user.name))
        limit = reached(user.limits, "max-channels", count)
        if limit is not None:
            raise Refusal(
                Reason.NOT_ALLOWED,
                f"number of channels opened for user '{user.name}' has reached the maximum allowed user limit of {limit}",
            )

    def _alarms_changed(self) -> None:
        """Publishers are blocked, or go on."""
        on = bool(self.alarms.resources)
        if on != self.alarmed:
            self.alarmed = on
            for connection in list(self.connections):
                with shielded("tell a client of an alarm"):
                    connection.alarm_changed()
            self.blocked()
