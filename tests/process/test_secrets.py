"""A secret in each of its sources, and nothing of it in what is printed, logged, or handed to other programs."""

import shlex
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from rmqctl import children, execute

from .conftest import Broker, run_with

SECRET = "s3cr3t-w0rd"
PRINTS_IT = shlex.join([sys.executable, "-c", f"print('{SECRET}')"])
FAILS = shlex.join([sys.executable, "-c", f"import sys; print('{SECRET}'); sys.exit(1)"])

SOURCES: dict[str, tuple[list[str], dict[str, str], str]] = {
    "--url": (["--url", f"http://ops:{SECRET}@h"], {}, ""),
    "--url with a slash": (["--url", f"http://ops:{SECRET}/x@h"], {}, ""),
    "--url with a comma": (["--url", f"http://ops:{SECRET},x@h"], {}, ""),
    "--url without a host": (["--url", f"http://ops:{SECRET}"], {}, ""),
    "--password": (["--user", "ops", "--password", SECRET], {}, ""),
    "--password-file": (["--user", "ops", "--password-file", "FILE"], {}, ""),
    "--password-command": (["--user", "ops", "--password-command", PRINTS_IT], {}, ""),
    "--password-command that fails": (["--user", "ops", "--password-command", FAILS], {}, ""),
    "--password-command that is none": (["--user", "ops", "--password-command", SECRET], {}, ""),
    "--password-command with an open quote": (["--user", "ops", "--password-command", f"echo '{SECRET}"], {}, ""),
    "--token": (["--token", SECRET], {}, ""),
    "--token that is none": (["--token", f"{SECRET} x"], {}, ""),
    "RMQCTL_URL": ([], {"RMQCTL_URL": f"http://ops:{SECRET}@h"}, ""),
    "RMQCTL_URL with a hash": ([], {"RMQCTL_URL": f"http://ops:{SECRET}#@h"}, ""),
    "RMQCTL_PASSWORD": (["--url", "http://h"], {"RMQCTL_USER": "ops", "RMQCTL_PASSWORD": SECRET}, ""),
    "RMQCTL_PASSWORD_COMMAND": ([], {"RMQCTL_USER": "ops", "RMQCTL_PASSWORD_COMMAND": FAILS}, ""),
    "RMQCTL_TOKEN": ([], {"RMQCTL_TOKEN": SECRET}, ""),
    "url of a context": ([], {}, f'url = "http://ops:{SECRET}@h"'),
    "bad url of a context": ([], {}, f'url = "http://ops:{SECRET}/@h"'),
    "password of a context": ([], {}, f'user = "ops"\npassword = "{SECRET}"'),
    "password of a context of another type": ([], {}, f'password = ["{SECRET}"]'),
    "token of a context": ([], {}, f'token = "{SECRET}"'),
    "password command of a context": ([], {}, f'user = "ops"\npassword_command = """{FAILS}"""'),
}
ANSWERS = {
    "an answer": [{"name": "a", "tags": []}],
    "a refusal": httpx.Response(401, json={"error": "not_authorized", "reason": "Login failed"}),
    "a proxy's page": httpx.Response(502, html="<h1>Bad Gateway</h1>"),
    "a failure": httpx.Response(500),
    "JSON that breaks off": httpx.Response(200, content=b'[{"name":'),
    "nobody": httpx.ConnectError("refused"),
}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("source", SOURCES)
def test_no_output_has_the_secret(tmp_path: Path, source: str, answer: str) -> None:
    words, environ, context = SOURCES[source]
    _store(tmp_path, context)
    words = [str(_file(tmp_path)) if word == "FILE" else word for word in words]
    for command in (
        ["list_users"],
        ["list_users", "--verbose"],
        ["list_users", "--debug"],
        ["check", "nodes", "-f", "json"],
        ["show", "endpoint", "-f", "json"],
        ["context", "show", "prod"] if "command" not in source else ["context", "path"],
    ):
        broker = Broker({"GET /api/users": ANSWERS[answer], "GET /api/nodes": ANSWERS[answer]})
        ran = run_with(*command, *words, broker=broker, environ=environ)
        assert SECRET not in ran.out, command
        assert SECRET not in ran.err, command


def _store(folder: Path, context: str) -> None:
    if context:
        path = folder / "config" / "rmqctl" / "contexts.toml"
        path.parent.mkdir(parents=True)
        path.write_text(f'current = "prod"\n[contexts.prod]\n{context}\n', encoding="utf-8")
        path.chmod(0o600)


def _file(folder: Path) -> Path:
    path = folder / "password"
    path.write_text(SECRET, encoding="utf-8")
    return path


def environ_with(secret: str) -> dict[str, str]:
    return {
        "PATH": "/usr/bin:/bin",
        "RMQCTL_PASSWORD": secret,
        "RMQCTL_TOKEN": secret,
        "RMQCTL_PASSWORD_COMMAND": f"echo {secret}",
        "RMQCTL_URL": f"http://ops:{secret}@a,http://ops:{secret}@b:1/x",
        "RMQCTL_VHOST": "orders",
    }


def test_programs_that_are_started_get_everything_but_the_secrets(tmp_path: Path) -> None:
    seen = tmp_path / "environment"
    assert execute.run(["/bin/sh", "-c", f"env > {seen}"], b"", environ_with(SECRET)) == ""
    text = seen.read_text(encoding="utf-8")
    assert SECRET not in text
    assert "RMQCTL_VHOST=orders\n" in text
    assert "RMQCTL_URL=http://a,http://b:1/x\n" in text


def test_the_command_that_prints_the_password_is_not_given_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tmp_path / "environment"
    for name, value in environ_with(SECRET).items():
        monkeypatch.setenv(name, value)
    command = shlex.join(["/bin/sh", "-c", f"env > {seen}; echo x"])
    ran = run_with("list_users", "--user", "ops", "--password-command", command, broker=Broker({"GET /api/users": []}))
    assert ran.exit == 0
    assert SECRET not in seen.read_text(encoding="utf-8")


@pytest.mark.parametrize("url", [f"http://ops:{SECRET}/x@h", f"http://ops:{SECRET},x@h", f"ftp://ops:{SECRET}@h"])
def test_a_url_that_is_none_leaves_nothing_to_a_program(url: str) -> None:
    found: dict[str, Any] = children.environment({"RMQCTL_URL": url})
    assert SECRET not in str(found)
