"""The lines of scripts, tutorials and modules give what they expect when rmqctl goes by the names of RabbitMQ's tools.

Every section of scripts.tsv runs twice in a row: exit codes and output are as the file says, and the second run changes
nothing.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from .brokers import Node, Ran, command, embedded, run, running_node
from .conftest import RELEASES

DATA = Path(__file__).with_name("scripts.tsv")
TOOLS = ("rabbitmqctl", "rabbitmqadmin", "rabbitmq-diagnostics", "rabbitmq-plugins", "rabbitmq-queues")
ROUNDS = (0, 1)
MADE_BY_SCRIPTS = "scripts"
KINDS = (
    "users",
    "vhosts",
    "permissions",
    "topic_permissions",
    "policies",
    "parameters",
    "queues",
    "exchanges",
    "bindings",
)


class Line(NamedTuple):
    """One line of a script; `codes` has an exit code for each round."""

    codes: tuple[int, ...]
    output: str
    text: str


def _sections() -> dict[str, list[Line]]:
    sections: dict[str, list[Line]] = {}
    for row in DATA.read_text(encoding="utf-8").splitlines():
        if row.startswith("## "):
            lines = sections.setdefault(row[3:], [])
        elif row and not row.startswith("#"):
            codes, output, text = row.split("\t", 2)
            first, _, second = codes.partition("|")
            lines.append(Line((int(first), int(second or first)), output, text))
    return sections


SECTIONS = _sections()


@pytest.fixture(scope="module", params=("embedded", *RELEASES))
def broker(request: pytest.FixtureRequest) -> Iterator[Node]:
    with embedded() if request.param == "embedded" else running_node(request.param) as node:
        yield node


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which rmqctl goes by the names of RabbitMQ's own tools."""
    directory = tmp_path_factory.mktemp("bin")
    program, _ = command()
    for name in TOOLS:
        link = directory / name
        if len(program) == 1:
            link.symlink_to(Path(program[0]).absolute())
        else:
            link.write_text(f"#!{sys.executable}\nfrom rmqctl.__main__ import main\nmain()\n", encoding="utf-8")
            link.chmod(0o755)
    return directory


@pytest.mark.parametrize("title", SECTIONS)
def test_a_script(broker: Node, tools: Path, title: str) -> None:
    lines = SECTIONS[title]
    _clear(broker)
    wrong = []
    states = []
    for number in ROUNDS:
        for line in lines:
            if fault := _fault(line, number, _run(broker, line, tools)):
                wrong.append(f"round {number + 1}: {line.text}\n    {fault}")
        states.append(_state(broker))
    _clear(broker)
    assert not wrong, "\n".join(wrong)
    assert states[0] == states[1], "the second run changed something"


def _run(broker: Node, line: Line, tools: Path) -> Ran:
    _, env = command()
    env |= {
        "PATH": f"{tools}{os.pathsep}{env['PATH']}",
        "RMQCTL_URL": broker.url,
        "NODE": broker.name,
        "AMQP_PORT": str(broker.port("amqp")),
    }
    return run(["bash", "-o", "pipefail", "-c", line.text], env)


def _fault(line: Line, number: int, got: Ran) -> str:
    """What is wrong with an answer, "" for nothing."""
    if got.exit != line.codes[number]:
        return f"exit {got.exit}, expected {line.codes[number]}: {got.errors.strip()}"
    if "Traceback" in got.errors:
        return got.errors
    wanted = "" if line.output == "-" else line.output.replace("\\n", "\n").replace("\\t", "\t")
    return "" if line.output == "." or got.text == wanted else f"{got.text!r}, expected {wanted!r}"


def _api(broker: Node) -> httpx.Client:
    return httpx.Client(base_url=f"{broker.url}/api", timeout=30, trust_env=False)


def _state(broker: Node) -> Mapping[str, Any]:
    """What the script has made, without the salt of passwords."""
    with _api(broker) as client:
        found = client.get("/definitions").json()
    made = {kind: [each for each in found.get(kind, ()) if _of_script(each)] for kind in KINDS}
    return {kind: sorted(str({**each, "password_hash": ""}) for each in rows) for kind, rows in made.items()}


def _of_script(found: Mapping[str, Any]) -> bool:
    return any(str(found.get(key, "")).startswith(MADE_BY_SCRIPTS) for key in ("name", "user", "vhost"))


def _clear(broker: Node) -> None:
    """Takes away what a script left."""
    with _api(broker) as client:
        for kind in ("users", "vhosts"):
            for each in client.get(f"/{kind}").json():
                if each["name"].startswith(MADE_BY_SCRIPTS):
                    client.delete(f"/{kind}/{each['name']}").raise_for_status()
