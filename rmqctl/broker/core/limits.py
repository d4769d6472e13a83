"""Limits of virtual hosts and users (https://www.rabbitmq.com/docs/vhosts#limits); a negative one is no limit."""

from collections.abc import Collection, Mapping
from typing import Any

from rmqctl.broker.core.errors import invalid
from rmqctl.broker.core.terms import term

_OF_VHOST = ("max-connections", "max-queues")
_OF_USER = ("max-connections", "max-channels")


def check_vhost_limits(given: Mapping[str, Any]) -> None:
    """Raises Refusal with RabbitMQ's words."""
    if unknown := _unknown(given, _OF_VHOST):
        raise invalid(f"Validation failed\n\nUnrecognised terms {term(sorted(unknown.items()))} in limits\n")
    if problem := _no_number(given):
        raise invalid(f"Validation failed\n\n{problem}\n")


def check_user_limits(given: Mapping[str, Any]) -> None:
    """Raises Refusal with RabbitMQ's words."""
    if unknown := _unknown(given, _OF_USER):
        raise invalid(f"Unrecognised terms {term(sorted(unknown.items()))} in user-limits")
    if problem := _no_number(given):
        raise invalid(problem)


def reached(limits: Mapping[str, int], name: str, count: int) -> int | None:
    """The limit that would be passed by one more; None when there is room."""
    limit = limits.get(name, -1)
    return limit if 0 <= limit <= count else None


def _unknown(given: Mapping[str, Any], known: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name not in known}


def _no_number(given: Mapping[str, Any]) -> str:
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int):
            return f"{name} should be a number, actually was {term(value)}"
    return ""
