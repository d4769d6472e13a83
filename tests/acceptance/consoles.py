"""The console blocks of README.md and docs/: what is typed there, run on a terminal, and what came out.

    python -m tests.acceptance.consoles --write [FILE]...     writes what comes out into the blocks

A block is run in a directory of its own, on an embedded broker of its own, after what BEFORE has for it. A line `...`
stands for any lines. What differs from run to run counts as equal: ports, addresses, decimals, dates, process ids.
"""

import os
import pty
import re
import select
import subprocess
import sys
import tempfile
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rmqctl.demo.embedded import EmbeddedBroker

ROOT = Path(__file__).parents[2]
WIDTH, HEIGHT = 110, 50
SECONDS = 60
ANY = "..."
HTTP, AMQP = "http://localhost:15672", "amqp://localhost:5672"

_ORDERS = """
rmqctl declare exchange events --type topic
rmqctl declare queue orders
rmqctl declare binding source=events destination=orders routing_key='order.#'
"""
_MAIL = """
rmqctl declare queue mail
seq 3 | rmqctl publish -k mail --lines
"""
BEFORE = {
    ("docs/changing.md", 1): "rmqctl declare queue orders --max-length 9000",
    ("docs/changing.md", 2): """
        echo 'a secret' > new-password
        mkdir bin
        printf '#!/bin/sh\\necho secret\\n' > bin/pass
        chmod +x bin/pass""",
    ("docs/checks.md", 1): _MAIL,
    ("docs/checks.md", 2): _MAIL,
    ("docs/consuming.md", 1): f"""{_ORDERS}
        rmqctl publish -k orders first
        rmqctl publish -k orders second
        rmqctl publish -k orders third
        printf '#!/bin/sh\\ncat > handled\\n' > handle-order
        chmod +x handle-order
        for each in 1 2 3 4 5 6 7 8 9 10; do
            rmqctl publish -e events -k order.created '{{"id": 123}}' --property content_type=application/json --header n:=1
            sleep 0.3
        done >/dev/null 2>&1 &""",
    ("docs/declare.md", 1): """
        for each in 1 2 3; do rmqctl declare queue tmp.$each; done
        cat > topology.jsonl <<END
{"kind": "exchange", "name": "events", "type": "topic"}
{"kind": "queue", "name": "orders.dead"}
{"kind": "binding", "source": "events", "destination": "orders", "routing_key": "order.#"}
{"kind": "policy", "name": "short", "pattern": "^tmp", "definition": {"expires": 60000}}
END""",
    ("docs/definitions.md", 1): """
        rmqctl declare vhost orders
        rmqctl set_permissions -p orders guest '.*' '.*' '.*'""",
    ("docs/definitions.md", 2): """
        rmqctl context add prod --url "$RMQCTL_URL"
        rmqctl set_policy limits . '{"max-length": 1000}'
        rmqctl definitions export backup.json
        rmqctl set_policy limits . '{"max-length": 500}'
        rmqctl declare queue orders.new""",
    ("docs/definitions.md", 3): """
        rmqctl set_policy limits . '{"max-length": 1000}'
        rmqctl declare queue orders --max-length 6
        rmqctl definitions export wanted.json
        rmqctl delete queue orders --yes
        rmqctl set_policy limits . '{"max-length": 500}'
        rmqctl declare queue orders --max-length 5
        rmqctl declare queue orders.old""",
    ("docs/messages.md", 1): f"{_ORDERS} echo 4711 > order.bin",
    ("docs/messages.md", 2): f"""{_ORDERS}
        rmqctl declare queue orders.copy
        printf 'one\\ntwo\\n' > orders.txt
        seq 100 > a-million-lines.txt""",
    ("docs/moving.md", 1): """
        rmqctl declare queue orders.parked
        rmqctl declare queue orders.dead
        rmqctl declare queue orders --max-length 5 --dlx '' --dlk orders.dead
        seq 3 | rmqctl publish -k orders --lines --header attempt:=3
        seq 4 | rmqctl publish -k orders --lines --header attempt:=1
        rmqctl publish -k orders.dead 'not a dead letter'""",
}
"""By file and number of the block: a script of the shell."""
ANY_ORDER = {("docs/declare.md", 1)}
"""Where rows come as they are done, several at once."""


class Typed(NamedTuple):
    """A command of a block, and the lines below it."""

    command: str
    output: list[str]


class Block(NamedTuple):
    file: str
    number: int
    first: int
    """The index of its first line."""
    typed: list[Typed]

    def __str__(self) -> str:
        return f"{self.file}#{self.number}"


def documents() -> list[Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(path: Path) -> Iterator[Block]:
    number, inside, first = 0, False, 0
    typed: list[Typed] = []
    for index, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
        if line == "```console":
            number, inside, first, typed = number + 1, True, index + 1, []
        elif inside and line == "```":
            inside = False
            yield Block(path.relative_to(ROOT).as_posix(), number, first, typed)
        elif inside and line.startswith("$ "):
            typed.append(Typed(line[2:], []))
        elif inside:
            typed[-1].output.append(line)


def run(block: Block) -> list[list[str]]:
    """What each command of the block prints."""
    with tempfile.TemporaryDirectory() as folder, EmbeddedBroker() as broker:
        environ = {
            "PATH": f"{folder}/bin:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": folder,
            "LC_ALL": "C.UTF-8",
            "NO_COLOR": "1",
            "NO_PROXY": "*",
            "PAGER": "cat",
            "TERM": "dumb",
            "RMQCTL_URL": broker.url,
        }
        if script := BEFORE.get((block.file, block.number)):
            subprocess.run(["bash", "-ec", script], cwd=folder, env=environ, check=True, timeout=SECONDS)
        outputs: list[list[str]] = []
        for command, _ in block.typed:
            text = on_a_terminal(command, folder, environ)
            for url in (broker.url, f"http://127.0.0.1:{broker.http_port}"):
                text = text.replace(url, HTTP)
            text = text.replace(f"amqp://127.0.0.1:{broker.amqp_port}", AMQP)
            outputs.append([line.rstrip(" ") for line in text.splitlines()])
        return outputs


def on_a_terminal(command: str, folder: str, environ: dict[str, str]) -> str:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (HEIGHT, WIDTH))
    process = subprocess.Popen(
        ["bash", "-c", command],
        cwd=folder,
        env=environ,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        text = b"".join(_read(ours))
        process.wait(SECONDS)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    return text.decode().replace("\r\n", "\n")


def _read(terminal: int) -> Iterator[bytes]:
    while select.select([terminal], [], [], SECONDS)[0]:
        try:
            data = os.read(terminal, 65536)
        except OSError:  # everybody who had it open is gone
            return
        if not data:
            return
        yield data
    raise TimeoutError(f"nothing for {SECONDS} seconds")


_DIFFERS = (
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(\+\d\d:\d\d|Z)?"), "DATE"),
    (re.compile(r"(127\.0\.0\.1|localhost):\d+"), "ADDRESS"),
    (re.compile(r"\bpid \d+"), "PID"),
    (re.compile(r"\d+\.\d+(\.\d+)*"), "DECIMAL"),
    (re.compile(r"\bfor \d+ s\b"), "SECONDS"),
    (re.compile(r"\b\d+/s\b"), "RATE"),
    (re.compile(r"[A-Za-z0-9+/]{48}"), "HASH"),
    (re.compile(r" {2,}|[─━]{3,}"), "GAP"),
)


def same(shown: list[str], came: list[str]) -> bool:
    """Whether the lines that are shown are what came."""
    if not shown:
        return not came
    if shown[0] == ANY:
        return any(same(shown[1:], came[at:]) for at in range(len(came) + 1))
    return bool(came) and _steady(shown[0]) == _steady(came[0]) and same(shown[1:], came[1:])


def _steady(line: str) -> str:
    for pattern, name in _DIFFERS:
        line = pattern.sub(name, line)
    return line.rstrip()


def write(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    for block in reversed(list(blocks(path))):
        shown: list[str] = []
        for (command, output), came in zip(block.typed, run(block), strict=True):
            shown += [f"$ {command}", *(output if same(output, came) else came)]
        lines[block.first : block.first + sum(1 + len(output) for _, output in block.typed)] = shown
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    _, option, *names = sys.argv
    assert option == "--write"
    for each in [Path(name).resolve() for name in names] or documents():
        write(each)
