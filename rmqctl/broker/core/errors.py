"""What the core refuses, and why. It names neither reply codes nor HTTP statuses: amqp and management each have one table."""

from enum import Enum, auto
from typing import Any


class Reason(Enum):
    """Named as the reply codes of the AMQP 0-9-1 specification (section 1.2), with one more for what only HTTP is told."""

    ACCESS_REFUSED = auto()
    NOT_FOUND = auto()
    RESOURCE_LOCKED = auto()
    PRECONDITION_FAILED = auto()
    NOT_ALLOWED = auto()
    NOT_IMPLEMENTED = auto()
    INTERNAL_ERROR = auto()
    INVALID = auto()
    """A definition, a limit, a password hash or the like that RabbitMQ's validators do not take."""


class Refusal(Exception):
    """Nothing was done. `text` has RabbitMQ's words; `term` has them where its HTTP API gives more than a text (JSON)."""

    def __init__(self, reason: Reason, text: str, *, term: Any = None) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text
        self.term = term


def not_found(kind: str, name: str, vhost: str) -> Refusal:
    return Refusal(Reason.NOT_FOUND, f"no {kind} '{name}' in vhost '{vhost}'")


def precondition(text: str) -> Refusal:
    return Refusal(Reason.PRECONDITION_FAILED, text)


def refused(text: str) -> Refusal:
    return Refusal(Reason.ACCESS_REFUSED, text)


def invalid(text: str, term: Any = None) -> Refusal:
    return Refusal(Reason.INVALID, text, term=term)
