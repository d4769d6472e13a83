"""Where the password comes from, seen from the login that the broker gets."""

import io
import json
import shlex
import sys
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from rmqctl import passwords
from rmqctl.settings import Credentials

from .conftest import Broker, Ran, Terminal, run_with


def login(*argv: str, user: str = "ops", **more: object) -> str:
    """User and password that reached the broker."""
    broker = Broker({"GET /api/vhosts": []})
    ran = run_with("list_vhosts", *(("--user", user) if user else ()), *argv, broker=broker, **more)  # type: ignore[arg-type]
    assert (ran.exit, ran.err) == (0, "")
    return b64decode(broker.requests[0].headers["authorization"].removeprefix("Basic ")).decode()


def refused(*argv: str, user: str = "ops") -> Ran:
    """A run that ends before the broker is asked."""
    return run_with("list_vhosts", "--user", user, *argv)


def command(code: str) -> str:
    return shlex.join([sys.executable, "-c", code])


LINES = [
    ("s3cret", "s3cret"),
    ("s3cret\n", "s3cret"),
    ("s3cret\r\n", "s3cret"),
    ("s3cret\n\n", "s3cret\n"),
    (" s3 cret ", " s3 cret "),
    ("pä:ß\n", "pä:ß"),
    ("\n", ""),
    ("", ""),
]


@pytest.mark.parametrize(("text", "password"), LINES)
def test_one_final_line_end_is_no_part_of_a_password_on_stdin(text: str, password: str) -> None:
    assert login("--password-stdin", stdin=text) == f"ops:{password}"


@pytest.mark.parametrize(("text", "password"), LINES)
def test_nor_of_one_in_a_file(tmp_path: Path, text: str, password: str) -> None:
    file = tmp_path / "password file"
    file.write_bytes(text.encode())
    assert login("--password-file", str(file)) == f"ops:{password}"


PRINTED = [(text, password.partition("\n")[0]) for text, password in LINES] + [("s3cret\nuser: ops\n", "s3cret")]


@pytest.mark.parametrize(("text", "password"), PRINTED)
def test_the_first_line_counts_of_what_a_command_prints(text: str, password: str) -> None:
    code = f"import sys; sys.stdout.buffer.write({text.encode()!r})"
    assert login("--password-command", command(code)) == f"ops:{password}"


def test_the_option_is_taken_as_it_is() -> None:
    assert login("--password", "s3cret\n") == "ops:s3cret\n"
    assert login(user="", environ={"RMQCTL_USER": "ann", "RMQCTL_PASSWORD": "x y"}) == "ann:x y"


def test_guest_needs_none() -> None:
    assert login(user="guest") == "guest:guest"


def test_but_a_source_that_is_named_is_asked_for_guest_too() -> None:
    assert login("--password-stdin", user="guest", stdin="other\n") == "guest:other"


def test_a_file_below_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "secret").write_text("s3cret\n")
    assert login("--password-file", "~/secret") == "ops:s3cret"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    assert refused("--password-file", str(missing)) == Ran(
        78, "", f"rmqctl: password file {missing}: No such file or directory\n"
    )


def test_a_folder_for_a_file(tmp_path: Path) -> None:
    assert refused("--password-file", str(tmp_path)) == Ran(
        78, "", f"rmqctl: password file {tmp_path}: Is a directory\n"
    )


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    file = tmp_path / "binary"
    file.write_bytes(b"\xff\xfe")
    assert refused("--password-file", str(file)) == Ran(78, "", f"rmqctl: password file {file}: not UTF-8\n")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (command("import sys; print('half'); sys.exit(3)"), "ended with exit code 3"),
        ("/no/such/program --show", "No such file or directory (it is run without a shell)"),
        ("echo 'open", "No closing quotation"),
    ],
    ids=["fails", "missing", "quotes"],
)
def test_a_command_that_fails(line: str, words: str) -> None:
    ran = refused("--password-command", line)
    assert (ran.exit, ran.out) == (78, "")
    assert ran.err.startswith("rmqctl: the password command")
    assert words in ran.err
    assert "half" not in ran.err
    assert line not in ran.err
    assert ran.err.count("\n") == 1


def test_no_shell_reads_the_command() -> None:
    code = "import sys; print(sys.argv[1:])"
    assert login("--password-command", f"{command(code)} '$HOME' ';' a*") == "ops:['$HOME', ';', 'a*']"


def test_an_empty_option_is_none_that_was_left_out() -> None:
    """A variable of a script that is not set must not log in as somebody else."""
    assert login("--password", "", user="guest") == "guest:"
    assert refused("--password-file", "", user="guest").exit == 78
    assert refused("--password-command", "", user="guest").err == "rmqctl: the password command is empty\n"
    assert run_with("list_vhosts", "--user", "").exit == 64


@pytest.mark.parametrize("token", ["", "two words", "line\nfeed", "ünï"])
def test_what_cannot_be_a_token_is_never_sent(token: str) -> None:
    ran = run_with("list_vhosts", "--token", token)
    assert (ran.exit, ran.out) == (78, "")
    assert ran.err == "rmqctl: the token is no bearer token: it has to be one word of visible ASCII characters\n"


def test_a_refused_token_is_not_a_wrong_password() -> None:
    broker = Broker(
        {"GET /api/vhosts": httpx.Response(401, json={"error": "not_authorized", "reason": "Login failed"})}
    )
    ran = run_with("list_vhosts", "--token", "s3cret", broker=broker)
    assert ran.exit == 77
    assert ran.err.endswith(": the token was refused: wrong, expired, or not for this broker (--token)\n")


@pytest.mark.parametrize("other", ["password", "password_file", "password_command"])
def test_two_ways_to_log_in_are_a_contradiction(other: str) -> None:
    ran = refused("--token", "t", f"--{other.replace('_', '-')}", "x")
    assert ran.exit == 64
    assert ran.err.startswith(f"rmqctl: --{other.replace('_', '-')} and --token both log in: use one\n")
    variables = {"RMQCTL_TOKEN": "t", f"RMQCTL_{other.upper()}": "x"}
    ran = run_with("list_vhosts", environ=variables)
    assert (ran.exit, ran.err) == (78, f"rmqctl: RMQCTL_{other.upper()} and RMQCTL_TOKEN both log in: unset one\n")
    assert login("--password", "p", environ=variables) == "ops:p"


def test_nobody_to_ask() -> None:
    ran = refused()
    assert (ran.exit, ran.out) == (64, "")
    assert ran.err.splitlines()[0] == (
        "rmqctl: no password for user 'ops': give --password-file, --password-stdin, --password-command or RMQCTL_PASSWORD"
    )


def test_a_person_is_asked_once_on_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, object]] = []

    def getpass(text: str, stream: object = None) -> str:
        asked.append((text, stream))
        return "typed\n"

    monkeypatch.setattr("getpass.getpass", getpass)
    answer = {"object_totals": {"queues": 0}}
    broker = Broker({"GET /api/queues/%2F": [], "GET /api/overview": answer})
    run_with("list_queues", "name", "messages", "--user", "ops", broker=broker, terminal=True)
    assert len(broker.requests) > 1
    assert {request.headers["authorization"] for request in broker.requests} == {"Basic b3BzOnR5cGVkCg=="}
    assert [text for text, _ in asked] == ["Password of ops: "]
    assert isinstance(asked[0][1], Terminal)


def never(_: str) -> str:
    raise AssertionError("nobody is to be asked")


@pytest.mark.parametrize(
    ("credentials", "password"),
    [
        (Credentials(user="ops", password="", password_stdin=True), ""),
        (Credentials(user="ops", password_stdin=True, password_file="/nowhere"), "typed"),
        (Credentials(user="guest"), "guest"),
    ],
)
@pytest.mark.parametrize("prompt", [None, never])
def test_sources_have_an_order(credentials: Credentials, password: str, prompt: Callable[[str], str] | None) -> None:
    assert passwords.read(credentials, io.StringIO("typed\n"), prompt) == password


def test_other_sources_of_a_new_password(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("of the file\n")
    row = {"name": "u", "password_hash": "", "tags": ["a", "b"]}
    broker = Broker({"GET /api/users/u": row, "PUT /api/users/u": httpx.Response(204)})
    for words in (("--new-password-file", str(file)), ("--new-password-command", "echo of the file")):
        assert run_with("change_password", "u", *words, broker=broker) == Ran(0, "", "")
        assert json.loads(broker.requests[-1].content) == {"password": "of the file", "tags": "a,b"}
    for words in (("x", "--new-password-stdin"), ("--new-password-stdin", "--password-stdin")):
        assert run_with("change_password", "u", *words, broker=Broker({})).exit == 64
