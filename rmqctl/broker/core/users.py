"""Users: passwords, tags, and what they may do where (https://www.rabbitmq.com/docs/access-control).

A user journals its own changes: there is no other way to change one.
"""

import hashlib
import hmac
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from rmqctl.broker.core.errors import Reason, Refusal, invalid, refused
from rmqctl.broker.core.limits import check_user_limits
from rmqctl.broker.core.node import Node
from rmqctl.broker.core.permissions import Permission, TopicPermission, matches

ALGORITHMS = {
    "rabbit_password_hashing_sha256": "sha256",
    "rabbit_password_hashing_sha512": "sha512",
    "rabbit_password_hashing_md5": "md5",
}
SHA256 = "rabbit_password_hashing_sha256"
SALT = 4
"""Bytes of a salt."""
# What the default exchange, which has no name, is called where permissions are concerned.
_DEFAULT_EXCHANGE = "amq.default"
# Users with one of these tags may use the HTTP API.
MANAGEMENT_TAGS = frozenset(("management", "policymaker", "monitoring", "administrator"))
_NO_TOPICS: Mapping[str, TopicPermission] = MappingProxyType({})


class User:
    """`epoch` grows with every change of what the user may do: what was learned before has to be asked again."""

    def __init__(self, node: Node, name: str) -> None:
        self._node = node
        self.name = name
        self.epoch = 1
        self._password_hash = ""
        self._algorithm = SHA256
        self._tags: tuple[str, ...] = ()
        self._limits: dict[str, int] = {}
        self._permissions: dict[str, Permission] = {}
        self._topic_permissions: dict[str, dict[str, TopicPermission]] = {}

    @property
    def password_hash(self) -> str:
        """base64 of a salt of 4 bytes and the digest of salt and password; empty: no password opens it."""
        return self._password_hash

    @property
    def algorithm(self) -> str:
        """One of ALGORITHMS."""
        return self._algorithm

    @property
    def tags(self) -> tuple[str, ...]:
        return self._tags

    @property
    def limits(self) -> Mapping[str, int]:
        """max-connections, max-channels."""
        return MappingProxyType(self._limits)

    @property
    def permissions(self) -> Mapping[str, Permission]:
        """By virtual host."""
        return MappingProxyType(self._permissions)

    def topic_permissions(self, vhost: str) -> Mapping[str, TopicPermission]:
        """By exchange."""
        return self._topic_permissions.get(vhost, _NO_TOPICS)

    # ------------------------------------------------------------------------------------------------------- changes

    def identify(self, password_hash: str, algorithm: str, tags: Sequence[str]) -> None:
        """Sets password and tags."""
        with self._change():
            self._password_hash, self._algorithm, self._tags = password_hash, algorithm, tuple(tags)

    def limit(self, limits: Mapping[str, Any]) -> None:
        """Sets these limits; others stay. Raises Refusal."""
        check_user_limits(limits)
        with self._change():
            self._limits = {**self._limits, **limits}

    def replace_limits(self, limits: Mapping[str, Any]) -> None:
        """Sets these limits and no others. Raises Refusal."""
        check_user_limits(limits)
        with self._change():
            self._limits = dict(limits)

    def unlimit(self, name: str) -> None:
        with self._change():
            self._limits = {key: value for key, value in self._limits.items() if key != name}

    def permit(self, vhost: str, permission: Permission | None) -> None:
        """None clears it."""
        self._node.define("permission", (self.name, vhost), permission and permission._asdict())
        self._node.settle()
        _set(self._permissions, vhost, permission)
        self.epoch += 1

    def permit_topics(self, vhost: str, exchange: str, permission: TopicPermission | None) -> None:
        """None clears it."""
        self._node.define("topic_permission", (self.name, vhost, exchange), permission and permission._asdict())
        self._node.settle()
        _set(self._topic_permissions.setdefault(vhost, {}), exchange, permission)
        self.epoch += 1

    def forget_vhost(self, vhost: str) -> None:
        """It is deleted; its journal entry takes the permissions along."""
        self._permissions.pop(vhost, None)
        self._topic_permissions.pop(vhost, None)
        self.epoch += 1

    def restore(self, document: Mapping[str, Any]) -> None:
        """Takes over what `document` gave."""
        self._limits = dict(document["limits"])
        self.identify(document["password_hash"], document["hashing_algorithm"], document["tags"])

    @contextmanager
    def _change(self) -> Iterator[None]:
        """Journals what is set within; it is as before when the disk does not take it."""
        before = self._password_hash, self._algorithm, self._tags, self._limits
        yield
        try:
            self._node.define("user", (self.name,), self.document())
            self._node.settle()
        except Refusal:
            self._password_hash, self._algorithm, self._tags, self._limits = before
            raise
        self.epoch += 1

    # -------------------------------------------------------------------------------------------------------- checks

    def has_password(self, password: str) -> bool:
        try:
            stored = b64decode(self._password_hash, validate=True)
        except Base64Error:
            return False
        digest = _digest(stored[:SALT], password, self._algorithm)
        return len(stored) > SALT and password != "" and hmac.compare_digest(stored[SALT:], digest)

    def may(self, what: str, vhost: str, name: str) -> bool:
        """`what`: configure, write or read. The default exchange goes by the name amq.default."""
        permission = self._permissions.get(vhost)
        return permission is not None and matches(getattr(permission, what), name or _DEFAULT_EXCHANGE)

    def check(self, what: str, vhost: str, kind: str, name: str) -> None:
        """Raises Refusal when the user may not."""
        if not self.may(what, vhost, name):
            shown = f"{kind} '{name or _DEFAULT_EXCHANGE}' in vhost '{vhost}'"
            raise refused(f"{what} access to {shown} refused for user '{self.name}'")

    def check_topic(self, what: str, vhost: str, exchange: str, key: str) -> None:
        """Without a topic permission for the exchange all keys are allowed. Raises Refusal."""
        permission = self.topic_permissions(vhost).get(exchange)
        if permission is not None and not matches(_expand(getattr(permission, what), self.name, vhost), key):
            raise refused(
                f"{what} access to topic '{key}' in exchange '{exchange}' in vhost '{vhost}' "
                f"refused for user '{self.name}'"
            )

    def check_vhost(self, vhost: str) -> None:
        """Raises Refusal when the user has no permissions there at all."""
        if vhost not in self._permissions:
            raise Refusal(Reason.NOT_ALLOWED, f"access to vhost '{vhost}' refused for user '{self.name}'")

    def document(self) -> dict[str, Any]:
        """As in definitions, with the limits."""
        return {
            "name": self.name,
            "password_hash": self._password_hash,
            "hashing_algorithm": self._algorithm,
            "tags": list(self._tags),
            "limits": dict(self._limits),
        }


def checked_tags(tags: Any) -> list[str]:
    """From a list, or from words with commas between. Raises Refusal."""
    if isinstance(tags, str):
        tags = tags.split(",")
    if not isinstance(tags, list) or any(isinstance(tag, list | dict) for tag in tags):
        raise invalid("tags should be a list of texts")
    return [str(tag).strip() for tag in tags if str(tag).strip()]


def checked_hash(given: Any) -> str:
    """Raises Refusal for what is not base64."""
    try:
        b64decode(given, validate=True)
    except (Base64Error, ValueError, TypeError):
        raise invalid(f"not_base64: {given}", ["not_base64", given]) from None
    return str(given)


def known_algorithm(name: Any) -> str:
    """RabbitMQ takes the default for one that it does not know."""
    return name if isinstance(name, str) and name in ALGORITHMS else SHA256


def hash_password(password: str, salt: bytes, algorithm: str = SHA256) -> str:
    """What `User.password_hash` is; the salt has `SALT` bytes."""
    return b64encode(salt + _digest(salt, password, algorithm)).decode()


def is_loopback(host: str) -> bool:
    """Whether a client is on this machine: from elsewhere the default user may not log in."""
    return host.startswith("127.") or host in ("::1", "::ffff:127.0.0.1", "localhost")


def _set(kept: dict[str, Any], key: str, value: Any) -> None:
    if value is None:
        kept.pop(key, None)
    else:
        kept[key] = value


def _digest(salt: bytes, password: str, algorithm: str) -> bytes:
    name = ALGORITHMS.get(algorithm, "sha256")
    return hashlib.new(name, salt + password.encode("utf-8", "surrogateescape"), usedforsecurity=False).digest()


def _expand(pattern: str, user: str, vhost: str) -> str:
    return pattern.replace("{username}", user).replace("{vhost}", vhost)
