"""`show endpoint`: what the options resolve to. The fake broker of `run` fails on any request."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ..conftest import Ran

Run = Callable[..., Ran]


def shown(run: Run, *words: str, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    code, out, err = run("show", "endpoint", *words, environ=environ)
    assert (code, err) == (0, "")
    return dict(line.split(": ", 1) for line in out.splitlines())


def test_the_defaults(run: Run, tmp_path: Path) -> None:
    assert run("show", "endpoint").out == (
        "url: http://localhost:15672\nprefix: none\nfrom: default\nuser: guest\npassword: **** (default)\nproxy: none\n"
        "token: none\nvhost: /\ntimeout: none\nca_file: none\ncert_file: none\nkey_file: none\ninsecure: false\n"
        f"context: none\ncontexts_file: {tmp_path}/config/rmqctl/contexts.toml\nread_only: false\nprotected: false\n"
    )


def test_several_urls_come_one_after_another(run: Run) -> None:
    out = run("show", "endpoint", "--url", "https://u:s3cret@h,http://g:1/rmq/api").out
    assert out.startswith(
        "url: https://h:15671\nprefix: none\nfrom: --url\nuser: u\npassword: **** (--url)\nproxy: none\n"
        "url: http://g:1/rmq\nprefix: /rmq\nfrom: --url\nuser: guest\npassword: **** (default)\nproxy: none\ntoken: "
    )
    assert "s3cret" not in out


@pytest.mark.parametrize(
    ("words", "environ", "password"),
    [
        (("--password", "s3cret"), {}, "**** (--password)"),
        ((), {"RMQCTL_PASSWORD": "s3cret"}, "**** (RMQCTL_PASSWORD)"),
        ((), {"RMQCTL_URL": "http://u:s3cret@h"}, "**** (RMQCTL_URL)"),
        (("--password-stdin",), {}, "from standard input (--password-stdin)"),
        (("--password-file", "/no/such"), {}, "from file /no/such (--password-file)"),
        ((), {"RMQCTL_PASSWORD_COMMAND": "false x"}, "from a command (RMQCTL_PASSWORD_COMMAND)"),
        (("--user", "ann"), {"RMQCTL_PASSWORD": "s3cret"}, "asked for on the terminal"),
        (("--token", "s3cret"), {}, "none: the token is used"),
    ],
)
def test_the_source_of_the_password_is_named_and_not_read(
    run: Run, words: tuple[str, ...], environ: dict[str, str], password: str
) -> None:
    values = shown(run, *words, environ=environ)
    assert values["password"] == password
    assert "s3cret" not in str(values)


def test_the_token_is_named_not_shown(run: Run) -> None:
    assert shown(run, "--token", "s3cret")["token"] == "--token"
    assert shown(run, environ={"RMQCTL_TOKEN": "s3cret"})["token"] == "RMQCTL_TOKEN"


def test_a_context(run: Run) -> None:
    run("context", "add", "prod", "--url", "https://ops:s3cret@h/x", "-p", "v", "-t", "5", "--insecure", "--read-only")
    values = shown(run, "-C", "prod")
    assert values == {
        "url": "https://h:15671/x",
        "prefix": "/x",
        "from": "context 'prod'",
        "user": "ops",
        "password": "**** (context 'prod')",
        "proxy": "none",
        "token": "none",
        "vhost": "v",
        "timeout": "5.0",
        "ca_file": "none",
        "cert_file": "none",
        "key_file": "none",
        "insecure": "true",
        "context": "prod",
        "contexts_file": values["contexts_file"],
        "read_only": "true",
        "protected": "false",
    }


@pytest.mark.parametrize(
    ("words", "environ", "source"),
    [
        (("--host", "h", "-P", "1"), {}, "--host and --port"),
        ((), {"RMQCTL_HOST": "h"}, "RMQCTL_HOST"),
        (("--url", "http://h"), {"RMQCTL_URL": "http://g"}, "--url"),
    ],
)
def test_where_the_url_comes_from(run: Run, words: tuple[str, ...], environ: dict[str, str], source: str) -> None:
    values = shown(run, *words, environ=environ)
    assert values["from"] == source
    assert "http://h:" in values["url"]


def test_json_has_the_same_values(run: Run) -> None:
    data = json.loads(run("show", "endpoint", "--url", "http://u:p@h", "-f", "json").out)
    assert data["endpoints"] == [
        {
            "url": "http://h:15672",
            "prefix": "",
            "from": "--url",
            "user": "u",
            "password": "**** (--url)",
            "proxy": None,
        }
    ]
    assert (data["vhost"], data["timeout"], data["insecure"], data["context"]) == ("/", None, False, None)


def test_the_proxy_in_force(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://ann:s3cret@proxy:3128")
    monkeypatch.setenv("no_proxy", "inside")
    assert shown(run, "--url", "https://h")["proxy"] == "http://ann:****@proxy:3128"
    assert shown(run, "--url", "https://inside")["proxy"] == "none"
    assert shown(run, "--url", "http://h")["proxy"] == "none"
    monkeypatch.setenv("all_proxy", "proxy:1")
    assert shown(run, "--url", "http://h")["proxy"] == "proxy:1"


def test_a_broken_contexts_file_is_an_error(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "config" / "rmqctl" / "contexts.toml"
    file.parent.mkdir(parents=True)
    file.write_text("current = 'x'\n")
    assert run("show", "endpoint").exit == 78
    assert run("show", "endpoint", "--url", "http://h").exit == 0
