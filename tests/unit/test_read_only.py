"""A read-only context refuses every command that changes a broker, before any request."""

import io
from pathlib import Path

import pytest
from typer.core import TyperArgument

from rmqctl.cli import build
from rmqctl.commands import COMMANDS
from rmqctl.session import Session

from .conftest import Broker, run_with

CHANGING = [name for name, entry in COMMANDS.items() if entry.changes]


@pytest.mark.parametrize("name", CHANGING)
def test_it_is_refused(name: str, tmp_path: Path) -> None:
    contexts = tmp_path / "config" / "rmqctl" / "contexts.toml"
    contexts.parent.mkdir(parents=True)
    contexts.write_text('[contexts.prod]\nurl = "http://prod.example:15672"\nread_only = true\n')
    contexts.chmod(0o600)
    command = build(name, COMMANDS[name], Session(io.StringIO(), io.StringIO(), io.StringIO(), {}))
    required = [parameter for parameter in command.params if parameter.required]
    values = [str(next(iter(getattr(each.type, "choices", ("1",))))) for each in required]
    words = [
        word
        for each, value in zip(required, values, strict=True)
        for word in ([value] if isinstance(each, TyperArgument) else [each.opts[0], value])
    ]
    broker = Broker({})
    ran = run_with(*name.split(), *words, "--context", "prod", broker=broker, environ={"HOME": str(tmp_path)})
    assert ran.exit == 77, ran
    assert ran.out == ""
    assert ran.err == f"rmqctl: {name}: context 'prod' is read-only\n"
    assert broker.requests == []


def test_commands_that_change_a_broker_say_so() -> None:
    assert {"move", "redrive"} <= set(CHANGING)
