"""bench: its figures, and what it refuses before it asks a broker."""

import os
from pathlib import Path

import pytest

from rmqctl.commands.messages.bench import percentiles

from ..conftest import Broker, run_with


def test_percentiles_by_nearest_rank() -> None:
    assert percentiles([5_000_000]) == dict.fromkeys(("p50", "p75", "p95", "p99", "max"), 5.0)
    found = percentiles([number * 1_000_000 for number in range(200, 0, -1)])
    assert found == {"p50": 100.0, "p75": 150.0, "p95": 190.0, "p99": 198.0, "max": 200.0}


@pytest.mark.parametrize(
    "words", [("--size", "15"), ("--size", "many"), ("--time", "soon"), ("--queue", "q", "--auto-ack")]
)
def test_wrong_words_make_no_request(words: tuple[str, ...]) -> None:
    broker = Broker({})
    ran = run_with("bench", *words, broker=broker)
    assert (ran.exit, ran.out, broker.requests) == (64, "", []), ran


def test_a_protected_context_refuses_it() -> None:
    file = Path(os.environ["XDG_CONFIG_HOME"]) / "rmqctl" / "contexts.toml"
    file.parent.mkdir(parents=True)
    file.write_text('[contexts.prod]\nurl = "http://prod.example:15672"\nprotected = true\n')
    file.chmod(0o600)
    broker = Broker({})
    ran = run_with("bench", "--context", "prod", broker=broker)
    assert (ran.exit, ran.err, broker.requests) == (77, "rmqctl: bench: context 'prod' is protected\n", [])
