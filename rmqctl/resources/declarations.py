"""What can be declared: its keys, how words become their values, where it is in the API, and what makes two unequal."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from rmqctl.errors import UsageError
from rmqctl.topology.checking import has_line_end

Fields = Mapping[str, Any]
"""A declaration as JSON has it: the keys of the HTTP API, `vhost` among them."""

# Words


def text(word: str) -> str:
    return word


def boolean(word: str) -> bool:
    """`true` or `false`, as rabbitmqadmin takes them. Raises UsageError."""
    if word.lower() not in ("true", "false"):
        raise UsageError(f"{word!r} is neither true nor false")
    return word.lower() == "true"


def integer(word: str) -> int:
    if not re.fullmatch(r"-?\d+", word):
        raise UsageError(f"{word!r} is no whole number")
    return int(word)


def parsed_json(word: str) -> Any:
    """The value of JSON. Raises UsageError."""
    try:
        return json.loads(word)
    except ValueError as error:
        raise UsageError(f"{word!r} is not JSON: {error}") from None


def json_object(word: str) -> dict[str, Any]:
    """The members of a JSON object. Raises UsageError."""
    value = parsed_json(word)
    if not isinstance(value, dict):
        raise UsageError(f"{word!r} is no JSON object")
    return value


def arguments(words: Iterable[str]) -> dict[str, Any]:
    """`k=v` is a string, or a number or boolean when it looks like one; `k:=JSON` is any type. Raises UsageError."""
    found = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key.removesuffix(":"):
            raise UsageError(f"--arg {word}: KEY=VALUE or KEY:=JSON is wanted")
        if key.endswith(":"):
            found[key[:-1]] = parsed_json(value)
        else:
            found[key] = _likely(value)
    return found


def _likely(value: str) -> Any:
    if value in ("true", "false"):
        return value == "true"
    return int(value) if re.fullmatch(r"-?(0|[1-9]\d{0,17})", value) else value


def tags(word: str) -> list[str]:
    return [tag.strip() for tag in word.split(",") if tag.strip()]


# Kinds

Parser = Callable[[str], Any]


class Kind(NamedTuple):
    """Something that can be declared.

    `keys` are those of its fields, each with what makes its value of a word of rabbitmqadmin v1 (`durable=false`);
    `required` must be given, `defaults` holds the rest of what is declared. `identity` names one of them among all,
    after the virtual host when it is `by_vhost`; `noun` is the API's path. `fixed`: one that exists is never changed.
    `order`: what has to be there before others comes first.
    """

    name: str
    noun: str
    keys: Mapping[str, Parser]
    required: tuple[str, ...]
    defaults: Fields = {}
    identity: tuple[str, ...] = ("name",)
    by_vhost: bool = True
    fixed: bool = False
    order: int = 1


_QUEUE_KEYS: dict[str, Parser] = {
    "name": text, "durable": boolean, "auto_delete": boolean, "arguments": json_object, "queue_type": text, "node": text,
}  # fmt: skip
_POLICY_KEYS: dict[str, Parser] = {
    "name": text, "pattern": text, "definition": json_object, "priority": integer, "apply-to": text,
}  # fmt: skip
_POLICY = {"priority": 0, "apply-to": "all"}
_DEFINED: dict[str, Parser] = {"name": text, "value": json_object}

KINDS = {
    kind.name: kind
    for kind in (
        Kind("vhost", "vhosts", {"name": text, "description": text, "tags": tags, "default_queue_type": text,
             "tracing": boolean}, ("name",), by_vhost=False, fixed=True, order=0),
        Kind("user", "users", {"name": text, "password": text, "password_hash": text, "hashing_algorithm": text,
             "tags": tags}, ("name",), by_vhost=False, fixed=True, order=0),
        Kind("permissions", "permissions", {"user": text, "configure": text, "write": text, "read": text},
             ("user", "configure", "write", "read"), identity=("user",)),
        Kind("vhost_limit", "vhost-limits", {"name": text, "value": integer}, ("name", "value")),
        Kind("user_limit", "user-limits", {"user": text, "name": text, "value": integer}, ("user", "name", "value"),
             identity=("user", "name"), by_vhost=False),
        Kind("global_parameter", "global-parameters", {"name": text, "value": parsed_json}, ("name", "value"),
             by_vhost=False),
        Kind("parameter", "parameters", {"component": text, "name": text, "value": parsed_json},
             ("component", "name", "value"), identity=("component", "name")),
        Kind("policy", "policies", _POLICY_KEYS, ("name", "pattern", "definition"), _POLICY),
        Kind("operator_policy", "operator-policies", _POLICY_KEYS, ("name", "pattern", "definition"),
             _POLICY | {"apply-to": "queues"}),
        Kind("exchange", "exchanges", {"name": text, "type": text, "durable": boolean, "auto_delete": boolean,
             "internal": boolean, "arguments": json_object}, ("name",),
             {"type": "direct", "durable": True, "auto_delete": False, "internal": False, "arguments": {}},
             fixed=True, order=2),
        Kind("queue", "queues", _QUEUE_KEYS, ("name",), {"durable": True, "auto_delete": False, "arguments": {}},
             fixed=True, order=2),
        Kind("stream", "queues", {"name": text, "arguments": json_object}, ("name",),
             {"durable": True, "auto_delete": False, "arguments": {}}, fixed=True, order=2),
        Kind("binding", "bindings", {"source": text, "destination": text, "destination_type": text, "routing_key": text,
             "arguments": json_object}, ("source", "destination"),
             {"destination_type": "queue", "routing_key": "", "arguments": {}},
             identity=("source", "destination_type", "destination"), order=3),
        Kind("topic_permissions", "topic-permissions", {"user": text, "exchange": text, "write": text, "read": text},
             ("user", "exchange", "write", "read"), identity=("user", "exchange"), order=3),
        Kind("shovel", "parameters", _DEFINED, ("name", "value"), order=4),
        Kind("federation_upstream", "parameters", _DEFINED, ("name", "value")),
    )
}  # fmt: skip
_COMPONENTS = {"shovel": "shovel", "federation_upstream": "federation-upstream"}
_SYNONYMS = {"permission": "permissions", "topic_permission": "topic_permissions"}
# What rabbitmqadmin calls them.
_KEY_SYNONYMS = {"apply_to": "apply-to", "username": "user", "default-queue-type": "default_queue_type"}


def kind_of(name: str) -> Kind:
    """Raises UsageError."""
    key = name.replace("-", "_")
    if (kind := KINDS.get(_SYNONYMS.get(key, key))) is None:
        raise UsageError(f"kind {name!r} is none of {', '.join(KINDS)}")
    return kind


class Declaration(NamedTuple):
    """One thing as it is wanted. `given` are the keys that were named, `fields` has the defaults too."""

    kind: Kind
    vhost: str
    given: frozenset[str]
    fields: Fields

    @property
    def name(self) -> str:
        """Which one it is, for a person."""
        if self.kind.name == "binding":
            return f"{self.fields['source']} -> {self.fields['destination']}"
        return " ".join(str(self.fields[key]) for key in reversed(self.kind.identity))

    @property
    def what(self) -> str:
        where = f" in virtual host {self.vhost!r}" if self.kind.by_vhost else ""
        if self.kind.name == "binding":
            fields = self.fields
            key = f" with routing key {fields['routing_key']!r}" if fields["routing_key"] else ""
            return (
                f"binding of {fields['destination_type']} {fields['destination']!r} to exchange"
                f" {fields['source']!r}{key}{where}"
            )
        of = f" of user {self.fields['user']!r}" if "user" in self.kind.identity else ""
        name = repr(self.fields["name"]) if "name" in self.kind.identity else ""
        on = f" on exchange {self.fields['exchange']!r}" if self.kind.name == "topic_permissions" else ""
        noun = "virtual host" if self.kind.name == "vhost" else self.kind.name.replace("_", " ")
        return f"{noun} {name}".rstrip() + of + on + where

    @property
    def path(self) -> tuple[str, ...]:
        """The segments of its path in the API. A binding's and a topic permission's are those of their lists."""
        vhost = (self.vhost,) if self.kind.by_vhost else ()
        identity = tuple(str(self.fields[key]) for key in self.kind.identity)
        if self.kind.name == "binding":
            source, destination_type, destination = identity
            return ("bindings", self.vhost, "e", source, destination_type[0], destination)
        if self.kind.name == "topic_permissions":
            return ("topic-permissions", self.vhost, identity[0])
        if self.kind.name == "parameter":
            return ("parameters", identity[0], self.vhost, identity[1])
        if self.kind.name in _COMPONENTS:
            return ("parameters", _COMPONENTS[self.kind.name], self.vhost, identity[0])
        return (self.kind.noun, *vhost, *identity)

    @property
    def body(self) -> dict[str, Any]:
        """What is sent: the fields that do not tell which one it is."""
        left_out = {"name", "vhost", "user", "component"} | ({"source", "destination", "destination_type"})
        body = {key: value for key, value in self.fields.items() if key not in left_out}
        if self.kind.name in ("user", "vhost") and "tags" in body:
            body["tags"] = ",".join(body["tags"])
        elif self.kind.name == "user":
            body["tags"] = ""
        if self.kind.noun == "parameters":
            body |= {"component": _COMPONENTS.get(self.kind.name, self.fields.get("component")), "vhost": self.vhost}
        if self.kind.noun in ("parameters", "global-parameters"):
            body["name"] = self.fields["name"]
        return body


def declaration(kind: Kind, fields: Fields, vhost: str) -> Declaration:
    """Checks the fields and adds the defaults. Raises UsageError."""
    given = {_KEY_SYNONYMS.get(key, key): value for key, value in fields.items()}
    vhost = str(given.pop("vhost", vhost)) if kind.by_vhost else vhost
    if unknown := [key for key in given if key not in kind.keys]:
        raise UsageError(f"{kind.name}: {unknown[0]!r} is none of its keys: {', '.join(kind.keys)}")
    if missing := [key for key in kind.required if given.get(key) is None]:
        raise UsageError(f"{kind.name}: {missing[0]} is missing")
    named = frozenset(given)
    for key, value in given.items():
        _check(kind, key, value)
    if kind.name in _DECLARED_OVER_AMQP and (
        key := next((key for key in kind.identity if has_line_end(given.get(key, ""))), "")
    ):
        raise UsageError(f"{kind.name}: {key} {given[key]!r} has a line end, which brokers take out of names")
    queue_type = "stream" if kind.name == "stream" else given.pop("queue_type", None)
    if queue_type is not None:
        given["arguments"] = {**given.get("arguments", {}), "x-queue-type": queue_type}
    if kind.name == "binding" and given.get("destination_type", "queue") not in ("queue", "exchange"):
        raise UsageError(f"binding: destination_type is queue or exchange, not {given['destination_type']!r}")
    return Declaration(kind, vhost, named, {**kind.defaults, **given})


_DECLARED_OVER_AMQP = ("queue", "stream", "exchange", "binding")

_TYPES: dict[Parser, tuple[type, ...]] = {
    text: (str,), boolean: (bool,), integer: (int,), json_object: (dict,), tags: (list,),
}  # fmt: skip
_CALLED = {str: "a string", bool: "true or false", int: "a whole number", dict: "an object", list: "a list"}


def _check(kind: Kind, key: str, value: Any) -> None:
    wanted = _TYPES.get(kind.keys[key])
    if wanted and (not isinstance(value, wanted) or (wanted == (int,) and isinstance(value, bool))):
        raise UsageError(f"{kind.name}: {key} is {json.dumps(value)}, which is not {_CALLED[wanted[0]]}")


def of_object(line: Any, vhost: str) -> Declaration:
    """A declaration written as `{"kind": "queue", "name": ...}`. Raises UsageError."""
    if not isinstance(line, dict) or not isinstance(line.get("kind"), str):
        raise UsageError('an object with a "kind" is wanted')
    fields = {key: value for key, value in line.items() if key != "kind"}
    kind = kind_of(line["kind"])
    if isinstance(fields.get("tags"), str):
        fields["tags"] = tags(fields["tags"])
    return declaration(kind, fields, vhost)


def of_words(kind: Kind, words: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
    """The words that are names, and the fields of those that are rabbitmqadmin's `key=value`. Raises UsageError."""
    names, fields = [], {}
    for word in words:
        key, equals, value = word.partition("=")
        key = _KEY_SYNONYMS.get(key, key)
        if equals and (key in kind.keys or (key == "vhost" and kind.by_vhost)):
            fields[key] = kind.keys.get(key, text)(value)
        else:
            names.append(word)
    return names, fields


# What is there against what is wanted

NOTHING = "nothing"
_SECRET = re.compile(r"(://[^/@:\"]*):[^/@\"]*@")


def differences(there: Fields, wanted: Fields) -> list[str]:
    """What is unequal, a text for each key; objects are compared by their members. Passwords in URIs are masked."""
    found = []
    for key in dict.fromkeys((*wanted, *there)):
        a, b = there.get(key), wanted.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            found += differences(a, b)
        elif a != b or isinstance(a, bool) is not isinstance(b, bool):
            found.append(f"{key}: there {_shown(a)}, wanted {_shown(b)}")
    return found


def _shown(value: Any) -> str:
    if value is None:
        return NOTHING
    written = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    return _SECRET.sub(r"\1:****@", written)


def comparable(wanted: Declaration, row: Fields) -> tuple[Fields, Fields]:
    """What is there and what is wanted, in the same shape."""
    kind, fields = wanted.kind, wanted.fields
    if kind.noun == "queues":
        own = dict(fields["arguments"])
        there = dict(row.get("arguments") or {})
        type_wanted, type_there = own.pop("x-queue-type", None), there.pop("x-queue-type", None)
        queue = {key: row.get(key) for key in ("durable", "auto_delete")}
        if type_wanted is not None:
            own["x-queue-type"], there["x-queue-type"] = type_wanted, row.get("type") or type_there or "classic"
        return {**queue, "arguments": there}, {**{key: fields[key] for key in queue}, "arguments": own}
    if kind.name in ("user", "vhost"):
        keys = sorted(wanted.given & {"description", "tags", "default_queue_type", "tracing"})
        return {key: _ordered(row.get(key)) for key in keys}, {key: _ordered(fields[key]) for key in keys}
    keys = [key for key in wanted.body if key not in ("component", "vhost", "name")]
    return {key: _no_empty_list(row.get(key)) for key in keys}, {key: fields[key] for key in keys}


def _ordered(value: Any) -> Any:
    """Tags: their order means nothing, and the oldest releases have them as text."""
    if isinstance(value, list):
        return sorted(value)
    return value


def _no_empty_list(value: Any) -> Any:
    """An empty object comes from Erlang as an empty list."""
    return {} if value == [] else value
