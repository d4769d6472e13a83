"""Runtime parameters (https://www.rabbitmq.com/docs/parameters): without plugins there are two components."""

from typing import Any

from rmqctl.broker.core.errors import Refusal, invalid
from rmqctl.broker.core.policies import checked
from rmqctl.broker.core.terms import term
from rmqctl.broker.core.vhost import VHost

LIMITS, OPERATOR_POLICY = "vhost-limits", "operator_policy"
_LIMITS_NAME = "limits"
_NEEDED = ("definition", "pattern", "priority")
_KNOWN = (*_NEEDED, "apply-to")


def set_parameter(vhost: VHost, component: str, name: str, value: Any) -> None:
    """Raises Refusal with RabbitMQ's words."""
    if component not in (LIMITS, OPERATOR_POLICY):
        raise _failed(f"component {component} not found")
    if component == LIMITS and name != _LIMITS_NAME:
        raise _failed(f"{LIMITS} has one parameter, {_LIMITS_NAME}")
    if not isinstance(value, dict | list):
        raise _failed(f"{name} not a list {term(value)}")
    if isinstance(value, list) and value:
        raise _failed(f"Unrecognised terms {term(value)} in {name}")
    given = dict(value) if isinstance(value, dict) else {}
    if component == LIMITS:
        vhost.replace_limits(given)
        return
    problems = [f'Key "{key}" not found in {name}' for key in _NEEDED if key not in given]
    if unknown := sorted((key, each) for key, each in given.items() if key not in _KNOWN):
        problems.insert(0, f"Unrecognised terms {term(unknown)} in {name}")
    if problems:
        raise _failed("\n".join(problems))
    vhost.set_policy(checked({**given, "vhost": vhost.name, "name": name}, operator=True), operator=True)


def _failed(problem: str) -> Refusal:
    return invalid(f"Validation failed\n\n{problem}\n")
