"""report: what the read-only commands say, one after another, to attach to a question."""

import time
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from rmqctl.api.answering import this_node
from rmqctl.commands import COMMANDS
from rmqctl.errors import RmqctlError
from rmqctl.output import FORMATS, answer
from rmqctl.output.style import Style
from rmqctl.output.values import json_value
from rmqctl.result import Result, Rows, Value
from rmqctl.session import Session

_ALL = {"all_vhosts": True}
PARTS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("status", {}),
    ("cluster_status", {}),
    ("environment", {}),
    ("list_connections", {}),
    ("list_channels", {}),
    ("list_vhosts", {}),
    ("list_queues", _ALL),
    ("list_exchanges", _ALL),
    ("list_bindings", _ALL),
    ("list_permissions", _ALL),
    ("list_policies", _ALL),
    ("list_operator_policies", _ALL),
    ("list_global_parameters", {}),
    ("list_parameters", _ALL),
)
"""Commands in their order, with the arguments that they get."""


def report(session: Session) -> Value:
    """State of the cluster and everything in it, for a support request. Look through it for secrets before you send it.

    A part that the broker refuses is named with the reason.
    """
    node = this_node(session.client)
    texts = [f"Reporting server status of node {node} at {time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} ..."]
    data: dict[str, object] = {}
    for name, arguments in PARTS:
        result = _run(session, name, arguments)
        data[name] = {"error": str(result)} if isinstance(result, RmqctlError) else _data(result)
        texts.append(f"{name} ...\n{''.join(_text(result))}".rstrip("\n"))
    return Value(data, "\n\n".join(texts))


def _run(session: Session, name: str, arguments: Mapping[str, Any]) -> Result | RmqctlError:
    function = getattr(import_module(f"rmqctl.commands.{COMMANDS[name].module}"), name)
    try:
        result: Result = function(session, **arguments)
    except RmqctlError as error:
        return error
    return result


def _data(result: Result) -> object:
    if isinstance(result, Rows):
        return [dict(zip(result.columns, map(json_value, row), strict=True)) for row in result.cells]
    return result.data if isinstance(result, Value) else None


def _text(result: Result | RmqctlError) -> Iterator[str]:
    if isinstance(result, RmqctlError):
        yield f"not available: {result}"
    elif isinstance(result, Rows):
        yield from FORMATS["table"].load().rows(result, Style())
    elif isinstance(result, Value):
        yield "\n".join(answer.lines(result))
