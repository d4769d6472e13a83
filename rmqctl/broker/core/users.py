"""Users: passwords, tags, and what they may do where (https://www.rabbitmq.com/docs/access-control)."""

import hashlib
import hmac
import os
import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from rmqctl.broker.core.errors import AmqpError, refused

ALGORITHMS = {
    "rabbit_password_hashing_sha256": "sha256",
    "rabbit_password_hashing_sha512": "sha512",
    "rabbit_password_hashing_md5": "md5",
}
SHA256 = "rabbit_password_hashing_sha256"
# What the default exchange, which has no name, is called where permissions are concerned.
_DEFAULT_EXCHANGE = "amq.default"
# Users with one of these tags may use the HTTP API.
MANAGEMENT_TAGS = frozenset(("management", "policymaker", "monitoring", "administrator"))


class Permission(NamedTuple):
    """Regular expressions on the names of what may be configured, written to and read from."""

    configure: str
    write: str
    read: str


class TopicPermission(NamedTuple):
    """Regular expressions on routing keys, of one exchange."""

    write: str
    read: str


class User:
    def __init__(self, name: str, password_hash: str, tags: Sequence[str], algorithm: str = SHA256) -> None:
        self.name = name
        self.password_hash = password_hash
        """base64 of a salt of 4 bytes and the digest of salt and password; empty: no password opens it."""
        self.algorithm = algorithm
        self.tags = list(tags)
        self.permissions: dict[str, Permission] = {}
        self.topic_permissions: dict[str, dict[str, TopicPermission]] = {}
        self.limits: dict[str, int] = {}
        """max-connections, max-channels."""

    def has_password(self, password: str) -> bool:
        try:
            stored = b64decode(self.password_hash, validate=True)
        except Base64Error:
            return False
        digest = _digest(stored[:4], password, self.algorithm)
        return len(stored) > 4 and password != "" and hmac.compare_digest(stored[4:], digest)

    def may(self, what: str, vhost: str, name: str) -> bool:
        """`what`: configure, write or read. The default exchange goes by the name amq.default."""
        permission = self.permissions.get(vhost)
        return permission is not None and matches(getattr(permission, what), name or _DEFAULT_EXCHANGE)

    def check(self, what: str, vhost: str, kind: str, name: str) -> None:
        if not self.may(what, vhost, name):
            shown = f"{kind} '{name or _DEFAULT_EXCHANGE}' in vhost '{vhost}'"
            raise refused(f"{what} access to {shown} refused for user '{self.name}'")

    def check_topic(self, what: str, vhost: str, exchange: str, key: str) -> None:
        """Without a topic permission for the exchange all keys are allowed."""
        permission = self.topic_permissions.get(vhost, {}).get(exchange)
        if permission is not None and not matches(_expand(getattr(permission, what), self.name, vhost), key):
            raise refused(
                f"{what} access to topic '{key}' in exchange '{exchange}' in vhost '{vhost}' "
                f"refused for user '{self.name}'"
            )

    def check_vhost(self, vhost: str) -> None:
        if vhost not in self.permissions:
            raise AmqpError(530, f"access to vhost '{vhost}' refused for user '{self.name}'")

    def document(self) -> dict[str, Any]:
        """As in definitions, with the limits."""
        return {
            "name": self.name,
            "password_hash": self.password_hash,
            "hashing_algorithm": self.algorithm,
            "tags": self.tags,
            "limits": self.limits,
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "User":
        tags = document.get("tags") or []
        user = cls(
            document["name"],
            document.get("password_hash") or "",
            [tag.strip() for tag in tags.split(",") if tag.strip()] if isinstance(tags, str) else tags,
            document.get("hashing_algorithm") or SHA256,
        )
        user.limits = dict(document.get("limits") or {})
        return user


def hash_password(password: str, algorithm: str = SHA256) -> str:
    salt = os.urandom(4)
    return b64encode(salt + _digest(salt, password, algorithm)).decode()


def _digest(salt: bytes, password: str, algorithm: str) -> bytes:
    name = ALGORITHMS.get(algorithm, "sha256")
    return hashlib.new(name, salt + password.encode("utf-8", "surrogateescape"), usedforsecurity=False).digest()


@lru_cache(maxsize=4096)
def matches(pattern: str, name: str) -> bool:
    """An empty pattern matches nothing but the empty name, as in RabbitMQ."""
    try:
        return re.search(pattern or "^$", name) is not None
    except re.error:
        return False


def _expand(pattern: str, user: str, vhost: str) -> str:
    return pattern.replace("{username}", user).replace("{vhost}", vhost)
