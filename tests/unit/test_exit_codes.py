"""Each kind of failure, provoked with each command: the table in docs/exit-codes.md is what came out.

python -m tests.unit.test_exit_codes      writes it there
"""

from collections.abc import Callable, Iterator
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import httpx
from typer.core import TyperArgument

from rmqctl.commands import COMMANDS

from .conftest import Ran, parameters_of, run_with, words_for

PAGE = Path(__file__).parents[2] / "docs" / "exit-codes.md"
BEGIN, END = "<!-- made by tests/unit/test_exit_codes.py -->\n", "<!-- end -->\n"
TABLE = '{"max-length":1}'
ARGUMENTS = {
    "authenticate_user": "a b",
    "add_user": "a b",
    "change_password": "a b",
    "broker alarm": "disk on",
    "check definitions": "{file}",
    "declare": "-f {manifest}",
    "declare binding": "a b",
    "declare federation_upstream": "a --uri amqp://a",
    "declare global_parameter": "a --value 1",
    "declare operator_policy": "a --pattern b --definition {table}",
    "declare parameter": "a --component b --value 1",
    "declare permissions": "a --configure b --write b --read b",
    "declare policy": "a --pattern b --definition {table}",
    "declare shovel": "a --source-uri amqp:// --source-queue b --destination-uri amqp:// --destination-queue c",
    "declare topic_permissions": "a --exchange amq.topic --write b --read b",
    "declare user": "a --new-password-file {file}",
    "declare user_limit": "max-channels --username a --value 1",
    "declare vhost_limit": "max-queues --value 1",
    "definitions apply": "{file} --yes",
    "definitions import": "{file}",
    "delete binding": "a b",
    "delete parameter": "a --component b --yes",
    "delete user_limit": "max-channels --username a",
    "delete vhost_limit": "max-queues",
    "grow": "a all",
    "import_definitions": "{file}",
    "move": "a b",
    "policies declare_blanket": "a --definition {table}",
    "policies delete_keys": "a max-length --yes",
    "policies patch": "a --definition {table}",
    "purge": "a --yes",
    "rebalance": "all",
    "set_operator_policy": "a b {table}",
    "set_policy": "a b {table}",
    "set_user_limits": "a {table}",
    "set_vhost_limits": "{table}",
    "tap": "amq.topic:#",
    "update_vhost_metadata": "a --description b",
    "wait definitions": "{file}",
    "wait queue": "a --exists",
}  # fmt: skip
"""Of commands that cannot do with their required arguments and --yes."""
NO_REQUEST = frozenset(("show endpoint",))
OVER_AMQP = frozenset(("bench", "consume", "move", "redrive", "tap"))
ASKED = sorted(
    name
    for name, entry in COMMANDS.items()
    if not (entry.raw or entry.local or entry.hidden or name == "top" or name in NO_REQUEST)
)


class Failure(NamedTuple):
    """`words`: added to the command line. `answer`: what a request of it meets."""

    title: str
    code: int
    answer: Callable[[httpx.Request], httpx.Response] | None = None
    words: tuple[str, ...] = ()


def _raises(error: Exception) -> Callable[[httpx.Request], httpx.Response]:
    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    return answer


def _refuses(status: int, error: str, reason: str = "") -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: httpx.Response(status, json={"error": error, "reason": reason} if reason else {"error": error})


def _begins(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, content=b'[{"name":', headers={"content-type": "application/json"})


FAILURES = (
    Failure("an unknown option", 64, words=("--no-such-option",)),
    Failure("a context that does not exist", 78, words=("--context", "nonesuch")),
    Failure("nobody listens", 69, _raises(httpx.ConnectError("[Errno 111] Connection refused"))),
    Failure("the broker is silent", 75, _raises(httpx.ReadTimeout("")), ("--timeout", "0.2")),
    Failure("a proxy answers in its place", 69, lambda _: httpx.Response(502, html="<html>Bad Gateway</html>")),
    Failure("the answer breaks off", 69, _begins),
    Failure("the log-in is refused", 77, _refuses(401, "not_authorized", "Login failed")),
    Failure("the permission is refused", 77, _refuses(403, "access_refused", "no")),
    Failure("the broker fails without a reason", 70, _refuses(500, "Internal Server Error")),
)


@cache
def command_line(name: str, file: str) -> tuple[str, ...]:
    if name in ARGUMENTS:
        manifest = file.replace("definitions.json", "manifest.json")
        words = [word.format(file=file, manifest=manifest, table=TABLE) for word in ARGUMENTS[name].split()]
    else:
        words = list(_required(name))
    return (*name.split(), *words)


def _required(name: str) -> Iterator[str]:
    parameters = parameters_of(name)
    yield from words_for(
        each for each in parameters if each.required or (each.name == "names" and isinstance(each, TyperArgument))
    )
    if any("--yes" in each.opts for each in parameters):
        yield "--yes"


def provoked(name: str, failure: Failure, folder: Path) -> Ran:
    file = folder / "definitions.json"
    file.write_text('{"vhosts": [{"name": "/"}]}')
    (folder / "manifest.json").write_text('{"kind": "queue", "name": "a"}')
    words = [*command_line(name, str(file)), *failure.words]
    if COMMANDS[name].module == "health.waiting" and "--timeout" not in words:
        words += ["--timeout", "0.05"]
    transport = None if failure.answer is None else httpx.MockTransport(failure.answer)
    return run_with(*words, broker=transport, environ={"HOME": str(folder)}, stdin="x")


def all_outcomes(folder: Path) -> dict[tuple[str, str], Ran]:
    return {(each.title, name): provoked(name, each, folder) for each in FAILURES for name in ASKED}


def test_every_failure_ends_as_the_documentation_says(tmp_path: Path) -> None:
    outcomes = all_outcomes(tmp_path)
    for what, ran in outcomes.items():
        assert ran.exit != 0, (what, ran)
        assert "Traceback" not in ran.err, (what, ran)
        assert "internal error" not in ran.err, (what, ran)
    text = PAGE.read_text(encoding="utf-8")
    assert text.partition(BEGIN)[2].partition(END)[0] == table(outcomes)


def table(outcomes: dict[tuple[str, str], Ran]) -> str:
    rows = [_row(each, {name: int(outcomes[each.title, name].exit) for name in ASKED}) for each in FAILURES]
    return "| what happens | code | with other commands |\n| --- | --- | --- |\n" + "".join(rows)


def _row(failure: Failure, codes: dict[str, int]) -> str:
    others = sorted((code, name) for name, code in codes.items() if code != failure.code)
    parts = [
        f"{code}: {', '.join(_together([name for _, name in names]))}"
        for code, names in groupby(others, key=lambda each: each[0])
    ]
    return f"| {failure.title} | {failure.code} | {'; '.join(parts)} |\n"


def _together(names: list[str]) -> list[str]:
    """All checks of one look, under one name."""
    checks = {name for name in ASKED if name.startswith("check ")}
    if checks <= set(names):
        return ["`check NAME`", *(f"`{name}`" for name in names if name not in checks)]
    return [f"`{name}`" for name in names]


if __name__ == "__main__":
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as name:
        made = table(all_outcomes(Path(name)))
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(before + BEGIN + made + END + rest.partition(END)[2], encoding="utf-8")
