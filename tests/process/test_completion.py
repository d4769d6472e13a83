"""The completion files, and the names that they ask rmqctl for."""

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx
import pytest

from rmqctl.commands import COMMANDS
from rmqctl.commands.contexts import completion

from .conftest import Broker, Ran

ROOT = Path(__file__).parents[2]
BASH_FILE = ROOT / "completions" / "rmqctl.bash"

Run = Callable[..., Ran]


# the files


def test_the_files_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "completions", "--check"], stderr=subprocess.PIPE, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("shell", "name"), [("bash", "rmqctl.bash"), ("zsh", "_rmqctl"), ("fish", "rmqctl.fish")])
def test_the_shells_take_the_files(shell: str, name: str) -> None:
    if shell != "bash" and shutil.which(shell) is None:
        return  # one shell is enough to run the tests; the files themselves are compared above
    subprocess.run([shell, "-n", ROOT / "completions" / name], check=True)


# bash, with a program that answers with NAMES


NAMES = {
    "queues": ["my queue", "it's", "a:b=c", "größe", 'q"x$y', "plain.one", "user@host", "~tilde", "a,b"],
    "vhosts": ["/", "/orders"],
    "contexts": ["dev", "my ctx", "prod"],
    "connections": ["10.0.0.1:50 -> 10.0.0.2:5672"],
    "exchanges": ["amq.direct"],
    "users": ["guest"],
}


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Prints the names of the kind that it is asked for, and keeps its arguments, one a line."""
    folder = tmp_path / "names"
    folder.mkdir()
    for kind, names in NAMES.items():
        (folder / kind).write_text("".join(f"{name}\n" for name in names))
    program = tmp_path / "rmqctl"
    program.write_text(f"#!/bin/bash\nprintf '%s\\n' \"$@\" >>{tmp_path}/asked\necho noise >&2\ncat {folder}/$2\n")
    program.chmod(0o755)
    return program


def complete(program: Path, line: str) -> list[str]:
    """What bash would have the user choose from, with the cursor at the end of the line, after `rmqctl`.

    bash gives the words split at blanks and, outside of quotes, at the characters : = and @ too.
    """
    line = f"{program} {line}"
    words = re.findall(r"(?:'[^']*'?|\"(?:[^\"\\]|\\.)*\"?|\\.|[^\s:=@'\"\\])+|[:=@]+", line)
    if line.endswith(" ") and not line.endswith("\\ "):
        words.append("")
    script = (
        'set -u; source "$1"; COMP_LINE=$2 COMP_POINT=${#2}; shift 2; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1));'
        '_rmqctl; for reply in ${COMPREPLY[@]+"${COMPREPLY[@]}"}; do printf "%s\\n" "$reply"; done'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", script, "-", BASH_FILE, line, *words],
        capture_output=True,
        check=True,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/home/ann"},
    )
    assert done.stderr == b""
    return done.stdout.decode().splitlines()


@pytest.mark.parametrize(
    ("line", "replies"),
    [
        ("list_que", ["list_queues"]),
        ("list-que", ["list_queues"]),
        ("--url http://u:p@h:15672 list_que", ["list_queues"]),
        ("-p list_que list_exch", ["list_exchanges"]),
        ("context us", ["use"]),
        ("show -q exch", ["exchange"]),
        ("start_ap", []),
        ("demo list_exch", ["list_exchanges"]),
        ("demo show exch", ["exchange"]),
        ("demo show queue my", []),
        ("demo list_queues name messages_unacknowledged_r", ["messages_unacknowledged_ram"]),
        ("completion z", ["zsh"]),
        ("__comp", []),
        ("list_queues --onl", ["--online"]),
        ("list_exchanges --onl", []),
        ("list_queues --formatter pretty_", ["pretty_table", "pretty_json"]),
        ("list_queues --formatter=pretty_t", ["pretty_table"]),
        ("--color=al", ["always"]),
        ("status --unit mi", ["mib"]),
        ("memory_breakdown --unit=ki", ["kib"]),
        ("check_certificate_expiration --unit ", ["days", "weeks", "months", "years"]),
        ("show binding a b --destination-type e", ["exchange"]),
        ("list_policies_that_match --object-type ", ["queue", "exchange"]),
        ("list_queues -f raw", ["raw_json"]),
        ("list_queues name messages_unacknowledged_r", ["messages_unacknowledged_ram"]),
        ("list_queues name,messages_unacknowledged_r", ["name,messages_unacknowledged_ram"]),
        ("list_queues --sort messages,-messages_unacknowledged_r", ["messages,-messages_unacknowledged_ram"]),
        ("list_queues --sort=-messages_unacknowledged_r", ["-messages_unacknowledged_ram"]),
        ("list_queues --where durab", []),
        ("list_queues --where x durab", ["durable"]),
        ("list_queues -- --onl", []),
        ("nonsense x", []),
        ("list_queues --wat", ["--watch"]),
        ("purge --wat", []),
        ("list_queues --watch durab", ["durable"]),
        ("--watch list_que", ["list_queues"]),
        ("--watch 0.5 list_que", ["list_queues"]),
        ("show binding --watch 5 --destination-type e", ["exchange"]),
    ],
)
def test_bash_knows_these_without_running_anything(program: Path, line: str, replies: list[str]) -> None:
    assert complete(program, line) == replies
    assert not program.with_name("asked").exists()


@pytest.mark.parametrize(
    ("line", "replies"),
    [
        ("-p ", ["/", "/orders"]),
        ("list_queues --vhost=/o", ["/orders"]),
        ("-C m", [r"my\ ctx"]),
        ("--context='m", ["my ctx"]),
        ("context use d", ["dev"]),
        ("definitions diff my", [r"my\ ctx"]),
        ("show queue my", [r"my\ queue"]),
        (r"show queue my\ q", [r"my\ queue"]),
        ("show queue 'my q", ["my queue"]),
        ('show queue "my', ["my queue"]),
        ("show queue it", [r"it\'s"]),
        ("show queue 'it", [r"it'\''s"]),
        ("show queue q", [r"q\"x\$y"]),
        ('show queue "q', [r"q\"x\$y"]),
        ("show queue a:b", ["b=c"]),
        ("show queue a:", ["b=c"]),
        ("show queue user", ["user@host"]),
        ("show queue user@", ["@host"]),
        ("show queue user@ho", ["@host"]),
        ("show queue 'user@ho", ["user@host"]),
        ("show queue a:b=", ["c"]),
        ("show queue grö", ["größe"]),
        ("show queue \\~", ["\\~tilde"]),
        ("show queue x p", []),
        ("show queue --watch pla", ["plain.one"]),
        ("show queue --watch 5 pla", ["plain.one"]),
        ("show connection 10.0.0.1:5", [r"50\ -\>\ 10.0.0.2:5672"]),
        ("list_user_permissions gu", ["guest"]),
        ("list_user_permissions guest wri", ["write"]),
    ],
)
def test_bash_asks_for_names_and_quotes_them(program: Path, line: str, replies: list[str]) -> None:
    assert complete(program, line) == replies


def test_bash_passes_the_words_before_the_cursor_without_their_quotes(program: Path) -> None:
    complete(program, "--url='http://u:p$@h:1' -p my\\ vhost show --user \"it's\" queue pl")
    assert program.with_name("asked").read_text().splitlines() == [
        *("__complete", "queues", "--", "--url=http://u:p$@h:1", "-p", "my vhost", "show", "--user", "it's", "queue"),
    ]


def test_bash_completes_files(program: Path, tmp_path: Path) -> None:
    (tmp_path / "secret file").touch()
    assert complete(program, f"--password-file {tmp_path}/secr") == [f"{tmp_path}/secret file"]
    assert complete(program, f"--ca-file={tmp_path}/secr") == [f"{tmp_path}/secret file"]


# the names


def names(run: Run, *words: str, broker: object = None, environ: Mapping[str, str] | None = None) -> list[str]:
    done = run("__complete", *words, broker=broker, environ=environ)
    assert (done.exit, done.err) == (0, "")
    return done.out.splitlines()


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        ("vhosts", "/api/vhosts?columns=name"),
        ("queues", "/api/queues/%2F?columns=name&disable_stats=true"),
        ("exchanges", "/api/exchanges/%2F?columns=name&disable_stats=true"),
        ("policies", "/api/policies/%2F?columns=name"),
        ("users", "/api/users?columns=name"),
        ("connections", "/api/connections?columns=name"),
        ("channels", "/api/channels?columns=name"),
        ("nodes", "/api/nodes?columns=name"),
    ],
)
def test_every_kind_is_one_small_request(run: Run, broker: type[Broker], kind: str, target: str) -> None:
    fake = broker({f"GET {target}": [{"name": "b x"}, {"name": ""}, {"name": "a\nb"}, {"name": "ü"}]})
    assert names(run, kind, broker=fake) == ["b x", "ü"]


def test_several_kinds_at_once(run: Run, broker: type[Broker]) -> None:
    fake = broker({"GET /api/queues/%2F": [{"name": "q"}], "GET /api/exchanges/%2F": [{"name": ""}, {"name": "e"}]})
    assert names(run, "exchanges+queues", broker=fake) == ["e", "q"]


def test_the_kinds_of_the_files_are_known() -> None:
    kinds = re.findall(r"live:([\w+]+)", BASH_FILE.read_text())
    asked = {kind for each in kinds for kind in each.split("+")}
    assert asked
    assert asked <= {*completion.KINDS, "contexts"}


@pytest.mark.parametrize(
    "words",
    [
        ("--url", "http://ann:x%20y@h:1/rmq", "-p", "my vhost"),
        ("list_queues", "--url=http://ann:x%20y@h:1/rmq", "--vhost=my vhost", "--sort", "name", "-q"),
        ("-pmy vhost", "--user", "ann", "--password=x y", "--url", "http://h:1/rmq", "--", "--url", "http://other"),
    ],
)
def test_the_connection_options_of_the_words_are_followed(
    run: Run, broker: type[Broker], words: tuple[str, ...]
) -> None:
    fake = broker({"GET /rmq/api/queues/my%20vhost": [{"name": "q"}]})
    assert names(run, "queues", "--", *words, broker=fake) == ["q"]
    assert fake.requests[0].headers["authorization"] == httpx.BasicAuth("ann", "x y")._auth_header
    assert fake.requests[0].url.host == "h"


def test_host_and_port_are_followed(run: Run, broker: type[Broker]) -> None:
    fake = broker({"GET /api/vhosts": [{"name": "/"}]})
    assert names(run, "vhosts", "--", "-H", "h", "-P81", broker=fake) == ["/"]
    assert str(fake.requests[0].url).startswith("http://h:81/")


def test_contexts_are_named_and_used(run: Run, broker: type[Broker]) -> None:
    run("context", "add", "my ctx", "--url", "http://h:1", "-p", "v")
    run("context", "add", "dev", "--url", "http://g:2")
    assert names(run, "contexts") == ["my ctx", "dev"]
    fake = broker({"GET /api/queues/v": [{"name": "q"}]})
    assert names(run, "queues", "--", "-C", "my ctx", "show", "queue", broker=fake) == ["q"]


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("zork",),
        ("queues", "--", "--url"),
        ("queues", "--", "--url", "ftp://x"),
        ("queues", "--", "--port", "x"),
        ("queues", "--", "-C", "nosuch"),
        ("queues", "--", "--password-stdin"),
        ("queues", "--", "--user", "ann"),
        ("queues", "--", "--url", "http://a", "--host", "b"),
    ],
)
def test_whatever_is_wrong_there_are_no_names_and_no_message(run: Run, words: tuple[str, ...]) -> None:
    assert names(run, *words) == []


@pytest.mark.parametrize("answer", [httpx.Response(401, json={}), httpx.Response(200, text="<html>"), {}, [1]])
def test_a_broker_that_does_not_help(run: Run, broker: type[Broker], answer: object) -> None:
    assert names(run, "queues", broker=broker({"GET /api/queues/%2F": answer})) == []


def test_a_broker_that_is_not_there(run: Run) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("Connection refused", request=request)

    assert names(run, "queues", broker=httpx.MockTransport(refuse)) == []


def test_a_broken_environment_is_no_message_either(run: Run) -> None:
    assert names(run, "queues", environ={"RMQCTL_QUIET": "perhaps"}) == []


def test_another_format_is_not_for_names(run: Run, broker: type[Broker]) -> None:
    fake = broker({"GET /api/vhosts": [{"name": "/"}]})
    assert names(run, "vhosts", "--", "-f", "json", broker=fake, environ={"RMQCTL_FORMATTER": "json"}) == ["/"]


def test_a_broker_that_hangs_is_not_waited_for(run: Run, broker: type[Broker], monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(_: httpx.Request) -> list[object]:
        time.sleep(0.5)
        return []

    monkeypatch.setattr(completion, "LIMIT", 0.05)
    started = time.monotonic()
    assert names(run, "vhosts", broker=broker({"GET /api/vhosts": hang})) == []
    assert time.monotonic() - started < 0.4


def test_it_is_not_in_the_help(run: Run) -> None:
    assert COMMANDS["__complete"].hidden
    helped = run("help", "--all")
    assert helped.exit == 0
    overview = helped.out
    assert "list_queues" in overview
    assert "__complete" not in overview


@pytest.mark.parametrize(
    ("prefix", "printed"),
    [
        ("list_q", "list_queues\n"),
        ("list_user", "list_user_limits\nlist_user_permissions\nlist_user_topic_permissions\nlist_users\n"),
        ("list_queues", ""),
        ("nope", ""),
        ("show qu", "show queue\n"),
        ("start_a", ""),
        ("__", ""),
    ],
)
def test_autocomplete_prints_what_rabbitmqctl_prints(run: Run, prefix: str, printed: str) -> None:
    ran = run("autocomplete", prefix)
    assert (ran.exit, ran.out, ran.err) == (0, printed, "")


def test_autocomplete_wants_one_word(run: Run) -> None:
    assert (run("autocomplete").exit, run("autocomplete", "list_q", "x").exit) == (64, 64)
