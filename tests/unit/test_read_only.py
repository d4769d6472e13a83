"""A read-only context refuses every command that changes a broker, before any request."""

from pathlib import Path

import pytest

from rmqctl.commands import COMMANDS

from .conftest import Broker, parameters_of, run_with, words_for

CHANGING = [name for name, entry in COMMANDS.items() if entry.changes]


@pytest.mark.parametrize("name", CHANGING)
def test_it_is_refused(name: str, tmp_path: Path) -> None:
    contexts = tmp_path / "config" / "rmqctl" / "contexts.toml"
    contexts.parent.mkdir(parents=True)
    contexts.write_text('[contexts.prod]\nurl = "http://prod.example:15672"\nread_only = true\n')
    contexts.chmod(0o600)
    words = words_for(each for each in parameters_of(name) if each.required)
    broker = Broker({})
    ran = run_with(*name.split(), *words, "--context", "prod", broker=broker, environ={"HOME": str(tmp_path)})
    assert ran.exit == 77, ran
    assert ran.out == ""
    assert ran.err == f"rmqctl: {name}: context 'prod' is read-only\n"
    assert broker.requests == []


def test_commands_that_change_a_broker_say_so() -> None:
    assert {"move", "redrive"} <= set(CHANGING)
