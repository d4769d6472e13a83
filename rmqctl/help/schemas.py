"""JSON schemas (2020-12) of what commands print with `-f json` and `-f jsonl`: of lists, `show`, `check` and `who`.

They are made from the meanings of columns and the types of findings, and not written a second time.
"""

from collections.abc import Callable, Mapping
from typing import Any, get_args, get_type_hints

from rmqctl.checks import forgotten, report
from rmqctl.checks.meanings import ACKS, FINDING
from rmqctl.checks.table import CHECKS, Check
from rmqctl.commands import COMMANDS
from rmqctl.help.columns import listed
from rmqctl.resources.column import Column, Resource
from rmqctl.resources.meanings import described, fields_of, meaning
from rmqctl.resources.meanings.meaning import Kind

DRAFT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]

_TYPES = {
    Kind.TEXT: "string",
    Kind.WHOLE: "integer",
    Kind.NUMBER: "number",
    Kind.FLAG: "boolean",
    Kind.LIST: "array",
    Kind.OBJECT: "object",
    Kind.ARGUMENTS: "object",
    Kind.ADDRESS: "string",
    Kind.VERSION: "string",
}
"""The types that the HTTP API's own values have. Those of the other kinds can have any."""
_PARTS: Schema = {"type": ["array", "string"], "items": {"type": "integer"}}
_RABBITMQCTL: dict[Kind, Schema] = {
    Kind.ARGUMENTS: {"type": "array", "items": {"type": "array", "minItems": 3, "maxItems": 3}},
    Kind.ADDRESS: _PARTS,
    Kind.VERSION: _PARTS,
    Kind.JSON: {"type": "string"},
}
"""Where rabbitmqctl's JSON has another shape."""
_MISSING: Schema = {"const": ""}
"""A missing cell of rabbitmqctl's JSON."""

_SHOWN = {
    "queue": "list_queues",
    "exchange": "list_exchanges",
    "binding": "list_bindings",
    "connection": "list_connections",
    "channel": "list_channels",
    "node": "list_nodes",
    "user": "list_users",
    "vhost": "list_vhosts",
    "policy": "list_policies",
}
"""The list that has what `show KIND` prints."""


def names() -> list[str]:
    """The commands that have a schema."""
    return [*listed(), *(f"show {kind}" for kind in _SHOWN), *(f"check {name}" for name in (*CHECKS, "all")), "who"]


def schema_of(command: str) -> Schema:
    """The schema of a command of `names`. `json` is the whole output, `jsonl` each line of it."""
    group, _, name = command.partition(" ")
    if group == "show":
        json, jsonl = _shown(name)
    elif group == "check":
        json, jsonl = _all_checks() if name == "all" else _checked(CHECKS[name])
    elif command == "who":
        json = jsonl = _WHO
    else:
        json, jsonl = _of_list(command, listed()[command])
    return {
        "$schema": DRAFT,
        "title": f"rmqctl {command}",
        "description": f"{COMMANDS[command].help} -f json: $defs/json. Each line of -f jsonl: $defs/jsonl.",
        "anyOf": [{"$ref": "#/$defs/json"}, {"$ref": "#/$defs/jsonl"}],
        "$defs": {"json": json, "jsonl": jsonl},
    }


def _type(*names: str) -> Schema:
    return {"type": names[0] if len(names) == 1 else list(names)}


def _array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _object(properties: Mapping[str, Schema]) -> Schema:
    """An object that has all of these and nothing else."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


# Lists


def _of_list(command: str, resource: Resource) -> tuple[Schema, Schema]:
    json, jsonl = _array(_row(resource, _rabbitmqctl)), _row(resource, _native)
    if command in ("list_vhost_limits", "list_user_limits"):
        # Without --global the limits of one object, as rabbitmqctl has them.
        return {"anyOf": [json, {"type": "object"}]}, {"anyOf": [jsonl, {"type": "object"}]}
    if command == "list_node_auth_attempt_stats":
        json = _object({"node": _type("string"), "result": {"const": "ok"}, "attempts": _array(jsonl)})
    return json, jsonl


def _row(resource: Resource, cell: Callable[[Kind], Schema]) -> Schema:
    """A row: some of the columns, and parts of objects under their dotted paths."""
    found = {name: meaning(resource, name) for name in described(resource)}
    properties = {name: cell(each.kind) | {"description": each.sentence} for name, each in found.items()}
    empty = {column.name: _empty(column, cell) for column in resource.columns if column.refused and not column.embedded}
    return {
        "type": "object",
        "properties": properties | empty,
        "patternProperties": {r"\.": True},
        "additionalProperties": False,
    }


def _empty(column: Column, cell: Callable[[Kind], Schema]) -> Schema:
    """A column that the HTTP API lacks."""
    return {"description": column.refused, **(_MISSING if cell is _rabbitmqctl else {"type": "null"})}


def _native(kind: Kind) -> Schema:
    """The HTTP API's own value; null where it is missing."""
    return {"type": [_TYPES[kind], "null"]} if kind in _TYPES else {}


def _rabbitmqctl(kind: Kind) -> Schema:
    """rabbitmqctl's value; "" where it is missing."""
    shape = _RABBITMQCTL.get(kind) or ({"type": _TYPES[kind]} if kind in _TYPES else {})
    return {"anyOf": [shape, _MISSING]} if shape else {}


# show


def _shown(kind: str) -> tuple[Schema, Schema]:
    """An object as the HTTP API has it. Newer brokers may have more fields."""
    resource = listed()[_SHOWN[kind]]
    properties = {
        name: _native(found.kind) | {"description": found.sentence} for name, found in fields_of(resource).items()
    }
    one = {"type": "object", "properties": properties}
    return ({"anyOf": [one, _array(one)]} if kind == "binding" else one), one


# check


_PYTHON = {str: "string", int: "integer", float: "number", type(None): "null"}
_STATUS = {"enum": ["OK", "WARNING", "CRITICAL", "UNKNOWN", "SKIPPED"]}


def _checked(check: Check) -> tuple[Schema, Schema]:
    """The whole, and a finding."""
    return _report(check), _finding(check)


def _report(check: Check) -> Schema:
    figures = {"type": "object", "additionalProperties": _type("number", "null")}
    return _object({**_line({"const": check.name}), "figures": figures, "findings": _array(_finding(check))})


def _line(name: Schema) -> dict[str, Schema]:
    """What the line of a check says."""
    return {"check": name, "status": _STATUS, "summary": _type("string")}


def _finding(check: Check) -> Schema:
    kind, meanings = (forgotten.Finding, ACKS) if check.columns == tuple(ACKS) else (report.Finding, FINDING)
    hints = get_type_hints(kind)
    return _object({name: _typed(hints[name]) | {"description": meanings[name]} for name in check.columns})


def _typed(hint: Any) -> Schema:
    return _type(*(_PYTHON[each] for each in get_args(hint) or (hint,)))


def _all_checks() -> tuple[Schema, Schema]:
    """The whole, and the line of a check."""
    checks = _array({"oneOf": [_report(check) for check in CHECKS.values()]})
    return _object({**_line({"const": "all"}), "checks": checks}), _object(_line({"enum": list(CHECKS)}))


# who

_MAYBE_TEXT, _MAYBE_WHOLE, _RATE = _type("string", "null"), _type("integer", "null"), _type("number", "null")
_CLIENT = {
    **dict.fromkeys(("channel", "connection", "client", "user", "peer", "library"), _MAYBE_TEXT),
    "number": _MAYBE_WHOLE,
}
_WHO = _object(
    {
        **dict.fromkeys(("name", "vhost", "type"), _MAYBE_TEXT),
        **dict.fromkeys(("messages_ready", "messages_unacknowledged"), _MAYBE_WHOLE),
        "bindings": _array(
            _object(
                {
                    **dict.fromkeys(("exchange", "type", "routing_key"), _MAYBE_TEXT),
                    "arguments": _type("object"),
                    "exchange_publish_rate": _RATE,
                }
            )
        ),
        "incoming": _array(_object({"exchange": _MAYBE_TEXT, "publish_rate": _RATE})),
        "consumers": _array(
            _object(
                {
                    "consumer_tag": _MAYBE_TEXT,
                    "ack_required": _type("boolean", "null"),
                    "prefetch_count": _MAYBE_WHOLE,
                    **_CLIENT,
                    "channel_unacknowledged": _MAYBE_WHOLE,
                    "ack_rate": _RATE,
                    "idle_since": _MAYBE_TEXT,
                }
            )
        ),
        "publishers": _array(_object({**_CLIENT, "publish_rate": _RATE})),
    }
)
