"""The file of checks: limits and what to leave alone, by check, in TOML.

    [acks]
    critical = 100
    age-warning = "5m"
    ignore = ["^amq\\\\.gen", "^test"]

    [definitions]
    file = "production.json"

The keys are the names of options. A missing file sets nothing; anything wrong with one is a ConfigError that names the file
and the line.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rmqctl import contexts
from rmqctl.checks.options import FILE, Option
from rmqctl.checks.table import ALL, CHECKS
from rmqctl.errors import ConfigError, UsageError

NAME = "checks.toml"
"""Beside the contexts file."""

OPTIONS: Mapping[str, Mapping[str, Option]] = {
    name: {option.name: option for option in options}
    for name, options in {**{name: check.all_options() for name, check in CHECKS.items()}, "all": ALL}.items()
}
"""What each table may hold."""

Values = Mapping[str, Mapping[str, Any]]
"""Options that are set, read, by check."""


def load(path: Path, *, required: bool) -> Values:
    """What the file says."""
    source = contexts.read(path, "file of checks")
    if source is None:
        if required:
            raise ConfigError(f"{path}: there is no such file of checks")
        return {}
    return parse(source[0], path)


def parse(text: str, path: Path) -> Values:
    data = contexts.parse_toml(text, str(path))
    return {name: _table(path, text, name, table) for name, table in data.items()}


def _table(path: Path, text: str, name: str, table: object) -> dict[str, Any]:
    if name not in OPTIONS:
        contexts.refuse_key(path, text, (name,), f"unknown check {name!r}{contexts.did_you_mean(name, OPTIONS)}")
    if not isinstance(table, dict):
        contexts.refuse_key(path, text, (name,), f"{name!r} must be a table, not {contexts.type_name(table)}")
    return {key: _value(path, text, name, key, value) for key, value in table.items()}


def _value(path: Path, text: str, name: str, key: str, value: object) -> Any:
    known = OPTIONS[name]
    if key not in known:
        hint = contexts.did_you_mean(key, known)
        contexts.refuse_key(path, text, (name, key), f"unknown key {key!r} in check {name!r}{hint}")
    kind = known[key].kind
    try:
        found = kind.read(value)
    except UsageError as error:
        contexts.refuse_key(path, text, (name, key), f"{key!r} in check {name!r}: {error}")
    except (ValueError, OverflowError):
        what = repr(value) if isinstance(value, str | int | float) else contexts.type_name(value)
        contexts.refuse_key(path, text, (name, key), f"{key!r} in check {name!r} must be {kind.wanted}, not {what}")
    return str(path.parent / found) if kind is FILE else found
