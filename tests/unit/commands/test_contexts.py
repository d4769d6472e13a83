"""The commands about contexts."""

import io
import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from rmqctl.contexts import Context, load
from rmqctl.session import Session
from rmqctl.streams import Streams

from ..conftest import Ran

Run = Callable[..., Ran]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config" / "rmqctl" / "contexts.toml"


def stored(path: Path, name: str = "prod") -> Context:
    return load(path).contexts[name]


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(text)
    path.chmod(0o600)


# add


def test_the_first_context_says_where_it_went(run: Run, path: Path) -> None:
    assert run("context", "add", "prod", "--url", "https://h") == Ran(
        0,
        "",
        f"{path} created with context 'prod'\n"
        "no context is current: name it with --context, or choose it with `rmqctl context use`\n",
    )
    assert stored(path) == Context("prod", url="https://h:15671")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert run("context", "add", "dev", "--url", "h", "--use").err == (
        f"context 'dev' written to {path}\ncontext 'dev' is the current one\n"
    )
    assert load(path).current == "dev"
    assert run("context", "add", "x", "--url", "h", "-q").err == ""


def test_all_options_are_kept(run: Run, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = [
        "--url",
        "https://a/x/api,https://b:1",
        "--user",
        "ops",
        "--password-file",
        "pw",
        "-p",
        "/orders",
        "-t",
        "5",
    ]
    words += ["--ca-file", "ca.pem", "--cert-file", "/c.pem", "--key-file", "/k.pem", "--insecure"]
    assert run(*words, "context", "add", "prod", "--read-only", "--protected").exit == 0
    assert stored(path) == Context(
        "prod",
        url="https://a:15671/x,https://b:1",
        user="ops",
        password_file=f"{tmp_path}/pw",
        vhost="/orders",
        timeout=5,
        ca_file=f"{tmp_path}/ca.pem",
        cert_file="/c.pem",
        key_file="/k.pem",
        insecure=True,
        read_only=True,
        protected=True,
    )


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        (("--url", "http://ann:x%40y@h"), {"user": "ann", "password": "x@y"}),
        (("--url", "http://ann:x@h", "--user", "ann"), {"user": "ann", "password": "x"}),
        (("--url", "http://ann@h", "--password", "x"), {"user": "ann", "password": "x"}),
        (("--host", "h", "--port", "15672", "--user", "ann"), {"user": "ann"}),
        (("--url", "h", "--user", "ann", "--password-stdin"), {"user": "ann", "password": "s3cret"}),
        (("--url", "h", "--password-command", "pass show x"), {"password_command": "pass show x"}),
        (("--url", "h", "--token", "t"), {"token": "t"}),
    ],
)
def test_what_is_stored_to_log_in(run: Run, path: Path, words: tuple[str, ...], kept: dict[str, str]) -> None:
    assert run("context", "add", "prod", *words, stdin="s3cret\n").exit == 0
    assert stored(path) == Context("prod", url="http://h:15672", **kept)


@pytest.mark.parametrize(("answer", "kept"), [("s3cret", "s3cret"), ("", None)])
def test_a_person_is_asked_for_the_password(
    run: Run, path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, kept: str | None
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(Streams, "prompt", lambda _: lambda text: asked.append(text) or answer)
    assert run("context", "add", "prod", "--url", "h", "--user", "ann").exit == 0
    assert asked == ["Password of ann (empty: ask each time): "]
    assert stored(path).password == kept


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "context add: which broker? Add --url http://HOST:15672: rmqctl context add prod --url URL"),
        (("--url", "ftp://h"), "--url: 'ftp://h' is not http://HOST:PORT or https://HOST:PORT"),
        (
            ("--url", "http://a:b@h,http://g"),
            "--url: all URLs of a context have the same user: give it once, with --user",
        ),
        (("--url", "http://a@h", "--user", "b"), "--url and --user name different users: use one"),
        (("--url", "http://a:b@h", "--password-stdin"), "--url and --password-stdin both say how to log in: use one"),
        (("--url", "http://a@h", "--token", "t"), "--url and --token both say how to log in: use one"),
        (
            ("--url", "h", "--password", "a", "--password-stdin"),
            "--password and --password-stdin both log in: use one",
        ),
        (("--url", "h", "-C", "x"), "--context and --url (or --host, --port) both name a broker: give one of them"),
        (("--url", "h", "--key-file", "k"), "--key-file needs --cert-file beside it"),
    ],
)
def test_what_makes_no_context(run: Run, path: Path, words: tuple[str, ...], message: str) -> None:
    code, out, err = run("context", "add", "prod", *words)
    assert (code, out, err.splitlines()[0]) == (64, "", f"rmqctl: {message}")
    assert not path.exists()


def test_an_existing_context_stays_without_replace(run: Run, path: Path) -> None:
    run("context", "add", "prod", "--url", "h")
    assert run("context", "add", "prod", "--url", "g") == Ran(
        65, "", f"rmqctl: {path}: context 'prod' already exists: --replace overwrites it\n"
    )
    assert run("context", "add", "prod", "--url", "g", "--replace").exit == 0
    assert stored(path).url == "http://g:15672"


def test_the_environment_is_not_stored(run: Run, path: Path) -> None:
    environ = {"RMQCTL_URL": "http://other", "RMQCTL_USER": "ann", "RMQCTL_CONTEXT": "nosuch"}
    assert run("context", "add", "prod", "--url", "h", environ=environ).exit == 0
    assert stored(path) == Context("prod", url="http://h:15672")


# list and show


def test_no_contexts(run: Run, path: Path) -> None:
    hint = f"no contexts in {path}: `rmqctl context add NAME --url URL` makes one\n"
    assert run("context", "list") == Ran(0, "", hint)
    assert run("context", "list", "-q").err == ""
    assert not path.exists()


BROKERS = """\
current = "prod"
[contexts.prod]
url = "https://ops:s3cret@a:15671,https://ops:s3cret@b"
vhost = "/orders"
token = "t0ken"
read_only = true
[contexts.dev]
url = "h"
user = "ann"
password = "s3cret"
[contexts.odd]
url = "ftp://u@h:x"
[contexts.bare]
"""


def test_list_shows_no_credentials(run: Run, path: Path) -> None:
    write(path, BROKERS)
    assert run("context", "list") == Ran(
        0,
        "name\tcurrent\turl\tuser\tvhost\tread_only\tprotected\n"
        "prod\ttrue\thttps://a:15671,https://b\tops\t/orders\ttrue\tfalse\n"
        "dev\tfalse\th\tann\t\tfalse\tfalse\n"
        "odd\tfalse\tftp://h:x\tu\t\tfalse\tfalse\n"
        "bare\tfalse\t\t\t\tfalse\tfalse\n",
        "",
    )
    first = json.loads(run("context", "list", "-f", "raw_json").out)[0]
    assert (first["name"], first["current"], first["read_only"]) == ("prod", True, True)


def test_show_masks_secrets(run: Run, path: Path) -> None:
    write(path, BROKERS)
    data = json.loads(run("context", "show", "-f", "json").out)
    assert data == {
        "name": "prod",
        "url": "https://ops:****@a:15671,https://ops:****@b",
        "token": "****",
        "vhost": "/orders",
        "read_only": True,
    }
    assert run("context", "show", "dev").out == "name\tdev\nurl\th\nuser\tann\npassword\t****\n"
    assert run("context", "show", "-C", "odd").out == "name\todd\nurl\tftp://u@h:x\n"


def test_show_of_what_is_not_there(run: Run, path: Path) -> None:
    assert run("context", "show") == Ran(
        64,
        "",
        "rmqctl: no context is current: name one, or choose one with `rmqctl context use NAME`\n"
        "rmqctl context show --help shows the options\n",
    )
    write(path, BROKERS)
    code, out, err = run("context", "show", "pord")
    assert (code, out) == (78, "")
    assert "no context 'pord': did you mean 'prod'?" in err


# use, remove, path


def test_use_and_remove(run: Run, path: Path) -> None:
    write(path, BROKERS)
    assert run("context", "use", "dev") == Ran(0, "", "context 'dev' is the current one\n")
    assert load(path).current == "dev"
    assert run("context", "remove", "prod").err == f"context 'prod' removed from {path}\n"
    assert run("context", "remove", "dev").err == f"context 'dev' removed from {path}; no context is current now\n"
    assert set(load(path).contexts) == {"odd", "bare"}
    for command in ("use", "remove"):
        assert run("context", command, "prod").exit == 78


def test_path(run: Run, path: Path) -> None:
    assert run("context", "path") == Ran(0, f"{path}\n", "")
    assert json.loads(run("context", "path", "-f", "json").out) == {"path": str(path)}


def test_a_current_that_names_nothing_can_be_put_right(run: Run, path: Path) -> None:
    write(path, "current = 'gone'\n[contexts.prod]\nurl = 'h'\n")
    assert run("list_queues").exit == 78
    assert run("context", "path").exit == 0
    listed = run("context", "list")
    assert listed.out.splitlines()[1].startswith("prod\tfalse")
    assert listed.err == f"{path}: current is 'gone', which is none of them: `rmqctl context use NAME`\n"
    assert run("context", "show").exit == 78
    assert run("context", "show", "prod").exit == 0
    assert run("context", "add", "dev", "--url", "h").exit == 0
    assert run("context", "remove", "dev").exit == 0
    assert run("context", "use", "prod").exit == 0
    assert load(path).current == "prod"


def test_a_broken_file_is_an_error_but_for_its_path(run: Run, path: Path) -> None:
    write(path, "[contexts.prod]\nzork = 1\n")
    for words in (("list",), ("show", "prod"), ("add", "x", "--url", "h"), ("use", "prod"), ("remove", "prod")):
        assert run("context", *words).exit == 78
    assert run("context", "path").exit == 0


def test_a_read_only_context_can_be_changed(run: Run, path: Path) -> None:
    write(path, BROKERS)
    assert run("context", "remove", "dev").exit == 0
    assert run("context", "add", "new", "--url", "h").exit == 0


# import

RABBITMQADMIN = '[prod]\nhostname = "h"\nusername = "ops"\npassword = "s3cret"\ntable_style = "x"\n[dev]\ntls = true\n'


def test_import(run: Run, path: Path, tmp_path: Path) -> None:
    source = tmp_path / "admin.conf"
    source.write_text(RABBITMQADMIN)
    assert run("context", "import", str(source)) == Ran(
        0,
        "name\tcurrent\turl\tuser\tvhost\tread_only\tprotected\n"
        "prod\tfalse\thttp://h:15672\tops\t\tfalse\tfalse\n"
        "dev\tfalse\thttps://localhost:15671\t\t\tfalse\tfalse\n",
        f"{source}: node 'prod': table_style has no counterpart in rmqctl and is left out\n"
        f"2 of {source} written to {path}\n",
    )
    assert stored(path) == Context("prod", url="http://h:15672", user="ops", password="s3cret")


def test_import_of_existing_names_is_all_or_nothing(run: Run, path: Path, tmp_path: Path) -> None:
    source = tmp_path / "admin.conf"
    source.write_text(RABBITMQADMIN)
    run("context", "add", "dev", "--url", "old")
    assert run("context", "import", str(source)) == Ran(
        65, "", f"rmqctl: {path}: already has 'dev': nothing is imported; --replace overwrites\n"
    )
    assert set(load(path).contexts) == {"dev"}
    assert run("context", "import", str(source), "--replace").exit == 0
    assert stored(path, "dev").url == "https://localhost:15671"


def test_import_reads_the_usual_file(run: Run, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    usual = tmp_path / ".rabbitmqadmin.conf"
    assert run("context", "import").err == f"rmqctl: {usual}: cannot read it: No such file or directory\n"
    usual.write_text("[a]\nhostname = h\n")
    assert run("context", "import").exit == 0
    assert set(load(path).contexts) == {"a"}
    usual.write_bytes(b"[a]\nhostname = \xff\n")
    assert run("context", "import") == Ran(78, "", f"rmqctl: {usual}: not UTF-8\n")
    usual.write_text("")
    assert run("context", "import") == Ran(0, "", f"{usual}: no nodes in it\n")


def test_the_file_is_below_the_folder_for_configuration(path: Path) -> None:
    assert Session(io.StringIO(), io.StringIO(), io.StringIO(), {}).contexts_file == path
