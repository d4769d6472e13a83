"""Options, environment, contexts: which one wins, and what never leaks."""

from pathlib import Path
from typing import Any

import pytest

from rmqctl.errors import ConfigError, UsageError
from rmqctl.options import GLOBAL_OPTIONS, GlobalOption, Kind
from rmqctl.settings import Settings, parse_urls, resolve

CONTEXTS = """
current = "prod"
[contexts.prod]
url = "https://prod:1/rabbit"
user = "ops"
password = "s3cret"
vhost = "/orders"
timeout = 7
read_only = true
"""


def settled(tmp_path: Path, given: dict[str, Any] | None = None, **environ: str) -> Settings:
    file = tmp_path / "contexts.toml"
    file.write_text(CONTEXTS, encoding="utf-8")
    file.chmod(0o600)
    return resolve(given or {}, environ, lambda: file)


def test_the_current_context_wins_over_the_defaults(tmp_path: Path) -> None:
    settings = settled(tmp_path)
    assert settings.endpoints[0].url == "https://prod:1/rabbit"
    assert (settings.credentials.user, settings.credentials.password) == ("ops", "s3cret")
    assert (settings.vhost, settings.timeout, settings.read_only, settings.context) == ("/orders", 7.0, True, "prod")


def test_the_environment_wins_over_the_context_and_options_over_both(tmp_path: Path) -> None:
    assert settled(tmp_path, RMQCTL_VHOST="env").vhost == "env"
    assert settled(tmp_path, {"vhost": "option"}, RMQCTL_VHOST="env").vhost == "option"
    assert settled(tmp_path, {"timeout": 1.0}, RMQCTL_TIMEOUT="2").timeout == 1.0


@pytest.mark.parametrize("given", [{"url": "http://other"}, {"host": "other"}, {"port": 15672}])
def test_the_password_of_a_context_never_goes_elsewhere(tmp_path: Path, given: dict[str, Any]) -> None:
    settings = settled(tmp_path, given)
    assert settings.context is None
    assert settings.credentials.user == "guest"
    assert settings.credentials.password is None
    assert not settings.read_only


def test_a_variable_that_names_a_broker_sets_the_current_context_aside(tmp_path: Path) -> None:
    assert settled(tmp_path, RMQCTL_URL="http://other").credentials.password is None


def test_without_a_file_it_is_localhost(tmp_path: Path) -> None:
    settings = resolve({}, {}, lambda: tmp_path / "none.toml")
    assert settings == Settings()
    assert settings.endpoints[0].url == "http://localhost:15672"


@pytest.mark.parametrize(
    ("given", "environ", "error"),
    [
        ({"url": "http://a", "host": "b"}, {}, UsageError),
        ({"context": "prod", "url": "http://a"}, {}, UsageError),
        ({}, {"RMQCTL_CONTEXT": "prod", "RMQCTL_URL": "http://a"}, ConfigError),
        ({"context": "prdo"}, {}, ConfigError),
        ({"password": "a", "password_file": "b"}, {}, UsageError),
        ({"key_file": "k", "url": "http://a"}, {}, UsageError),
        ({"timeout": -1.0}, {}, UsageError),
        ({"port": 70000}, {}, UsageError),
    ],
)
def test_what_contradicts_itself(
    tmp_path: Path, given: dict[str, Any], environ: dict[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        settled(tmp_path, given, **environ)


WHERE = ("url", "host", "port", "context")
IGNORED = ("longnames", "erlang_cookie")


@pytest.mark.parametrize("how", ["option", "variable"])
@pytest.mark.parametrize("option", [each for each in GLOBAL_OPTIONS if each.name not in WHERE + IGNORED], ids=str)
def test_a_row_of_the_table_is_a_setting(option: GlobalOption, how: str) -> None:
    kinds = {Kind.FLAG: True, Kind.NUMBER: 7.0, Kind.INTEGER: 7, Kind.TEXT: next(iter(option.choices), "x")}
    value = kinds[option.kind]
    more = {"url": "http://h"} | ({"cert_file": "c"} if option.name == "key_file" else {})
    named = {option.name: value} if how == "option" else {}
    environ = {} if how == "option" else {option.env: str(value)}
    settings = resolve(more | named, environ, lambda: Path("none"))
    records = (settings, settings.credentials, settings.tls, settings.output)
    (record,) = (each for each in records if option.name in each._fields)
    assert getattr(record, option.name) == value


@pytest.mark.parametrize(
    "option", [option for option in GLOBAL_OPTIONS if option.kind in (Kind.FLAG, Kind.NUMBER, Kind.INTEGER)], ids=str
)
def test_a_bad_variable_is_named(tmp_path: Path, option: Any) -> None:
    with pytest.raises(ConfigError, match=option.env):
        settled(tmp_path, **{option.env: "perhaps"})


@pytest.mark.parametrize(
    ("variable", "text"), [("RMQCTL_URL", "ftp://h"), ("RMQCTL_PORT", "70000"), ("RMQCTL_TIMEOUT", "-1")]
)
def test_a_variable_is_not_blamed_on_an_option(tmp_path: Path, variable: str, text: str) -> None:
    with pytest.raises(ConfigError, match=f"environment variable {variable}: "):
        settled(tmp_path, **{variable: text})


@pytest.mark.parametrize(
    ("text", "url", "user", "password"),
    [
        ("http://h", "http://h:15672", None, None),
        ("https://h", "https://h:15671", None, None),
        ("h:1", "http://h:1", None, None),
        ("http://[::1]:2/", "http://[::1]:2", None, None),
        ("http://h/prefix/api/", "http://h:15672/prefix", None, None),
        ("http://u%40x:p%2F%3A@h", "http://h:15672", "u@x", "p/:"),
    ],
)
def test_urls(text: str, url: str, user: str | None, password: str | None) -> None:
    (endpoint,) = parse_urls(text)
    assert (endpoint.url, endpoint.user, endpoint.password) == (url, user, password)


@pytest.mark.parametrize("text", ["", "ftp://u:s3cret@h", "http://u:s3cret@", "http://u:s3cret@h:x", "http://h?a=1"])
def test_bad_urls_do_not_show_the_password(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_urls(text)
    assert "s3cret" not in str(raised.value)


def test_nothing_shows_a_password_in_passing(tmp_path: Path) -> None:
    assert "s3cret" not in repr(settled(tmp_path))
    assert "s3cret" not in repr(settled(tmp_path, {"url": "http://u:s3cret@h"}))
    assert "s3cret" not in repr(settled(tmp_path, {"url": "http://h", "token": "s3cret"}))


URL_OF_CONTEXT = """
current = "prod"
[contexts.prod]
url = "http://ctx:ctxpw@h"
"""
USER_OF_CONTEXT = """
current = "prod"
[contexts.prod]
url = "http://h"
user = "ctx"
password = "ctxpw"
"""
TOKEN_OF_CONTEXT = """
current = "prod"
[contexts.prod]
url = "http://h"
token = "ctxtoken"
"""
BOTH_OF_CONTEXT = """
current = "prod"
[contexts.prod]
url = "http://ctx:ctxpw@h"
user = "other"
"""


@pytest.mark.parametrize(
    ("given", "environ", "file", "outcome"),
    [
        # An option beside a URL of an option.
        ({"url": "http://u:p@h", "user": "x"}, {}, "", UsageError),
        ({"url": "http://u:p@h", "user": "u"}, {}, "", ("u", "p")),
        ({"url": "http://u:p@h", "password": "x"}, {}, "", UsageError),
        ({"url": "http://u:p@h", "password_file": "f"}, {}, "", UsageError),
        ({"url": "http://u:p@h", "password_command": "c"}, {}, "", UsageError),
        ({"url": "http://u:p@h", "password_stdin": True}, {}, "", UsageError),
        ({"url": "http://u:p@h", "token": "t"}, {}, "", UsageError),
        ({"url": "http://u@h", "password": "x"}, {}, "", ("u", "x")),
        ({"url": "http://u@h", "user": "x"}, {}, "", UsageError),
        ({"url": "http://u@h", "token": "t"}, {}, "", UsageError),
        ({"url": "http://h", "user": "x", "password": "y"}, {}, "", ("x", "y")),
        ({"url": "http://h", "token": "t"}, {}, "", "t"),
        ({"url": "http://h,http://u:p@g", "user": "x"}, {}, "", UsageError),
        # An option beside a URL of a variable, or of a context: the option wins.
        ({"user": "x", "password": "y"}, {"RMQCTL_URL": "http://u:p@h"}, "", ("x", "y")),
        ({"user": "x"}, {"RMQCTL_URL": "http://u:p@h"}, "", ("x", None)),
        ({"user": "u"}, {"RMQCTL_URL": "http://u:p@h"}, "", ("u", "p")),
        ({"password": "y"}, {"RMQCTL_URL": "http://u:p@h"}, "", ("u", "y")),
        ({"token": "t"}, {"RMQCTL_URL": "http://u:p@h"}, "", "t"),
        ({"user": "x", "password": "y"}, {}, URL_OF_CONTEXT, ("x", "y")),
        ({"password": "y"}, {}, URL_OF_CONTEXT, ("ctx", "y")),
        ({"token": "t"}, {}, URL_OF_CONTEXT, "t"),
        ({"user": "x"}, {}, URL_OF_CONTEXT, ("x", None)),
        # An option beside variables and contexts without credentials in a URL.
        ({"user": "x", "password": "y"}, {"RMQCTL_USER": "e", "RMQCTL_PASSWORD": "ep"}, "", ("x", "y")),
        ({"password": "y"}, {"RMQCTL_USER": "e", "RMQCTL_PASSWORD": "ep"}, "", ("e", "y")),
        ({"token": "t"}, {"RMQCTL_USER": "e", "RMQCTL_PASSWORD": "ep"}, "", "t"),
        ({"password": "y"}, {"RMQCTL_TOKEN": "et"}, "", ("guest", "y")),
        ({"user": "x", "password": "y"}, {}, USER_OF_CONTEXT, ("x", "y")),
        ({"password": "y"}, {}, USER_OF_CONTEXT, ("ctx", "y")),
        ({"token": "t"}, {}, USER_OF_CONTEXT, "t"),
        ({"password": "y"}, {}, TOKEN_OF_CONTEXT, ("guest", "y")),
        # A variable beside a URL: that of an option wins, that of a variable contradicts it, that of a context loses.
        ({"url": "http://u:p@h"}, {"RMQCTL_USER": "e", "RMQCTL_PASSWORD": "ep"}, "", ("u", "p")),
        ({"url": "http://u:p@h"}, {"RMQCTL_TOKEN": "et"}, "", ("u", "p")),
        ({}, {"RMQCTL_URL": "http://u:p@h", "RMQCTL_USER": "e"}, "", ConfigError),
        ({}, {"RMQCTL_URL": "http://u:p@h", "RMQCTL_PASSWORD": "ep"}, "", ConfigError),
        ({}, {"RMQCTL_URL": "http://u:p@h", "RMQCTL_TOKEN": "et"}, "", ConfigError),
        ({}, {"RMQCTL_URL": "http://u@h", "RMQCTL_PASSWORD": "ep"}, "", ("u", "ep")),
        ({}, {"RMQCTL_USER": "e", "RMQCTL_PASSWORD": "ep"}, URL_OF_CONTEXT, ("e", "ep")),
        ({}, {"RMQCTL_PASSWORD": "ep"}, URL_OF_CONTEXT, ("ctx", "ep")),
        ({}, {"RMQCTL_TOKEN": "et"}, URL_OF_CONTEXT, "et"),
        ({}, {"RMQCTL_USER": "e", "RMQCTL_PASSWORD": "ep"}, USER_OF_CONTEXT, ("e", "ep")),
        # A context alone, one that contradicts itself, and one that a URL sets aside.
        ({}, {}, URL_OF_CONTEXT, ("ctx", "ctxpw")),
        ({}, {}, USER_OF_CONTEXT, ("ctx", "ctxpw")),
        ({}, {}, BOTH_OF_CONTEXT, ConfigError),
        ({"url": "http://u:p@g"}, {}, USER_OF_CONTEXT, ("u", "p")),
        ({}, {"RMQCTL_URL": "http://u:p@g"}, URL_OF_CONTEXT, ("u", "p")),
    ],
)
def test_who_logs_in(tmp_path: Path, given: dict[str, Any], environ: dict[str, str], file: str, outcome: Any) -> None:
    """Every pair of sources: which one counts, or that they contradict each other. A text is a token."""
    path = tmp_path / "contexts.toml"
    if file:
        path.write_text(file, encoding="utf-8")
        path.chmod(0o600)
    if isinstance(outcome, type):
        with pytest.raises(outcome):
            resolve(given, environ, lambda: path)
        return
    settings = resolve(given, environ, lambda: path)
    endpoint, credentials = settings.endpoints[0], settings.credentials
    if isinstance(outcome, str):
        assert (credentials.token, endpoint.user, endpoint.password) == (outcome, None, None)
        return
    assert endpoint.user is not None or credentials.token is None
    password = endpoint.password if endpoint.password is not None else credentials.password
    assert (endpoint.user or credentials.user, password) == outcome


@pytest.mark.parametrize(
    "url",
    [
        "http://ops:s3/cret@h", "http://ops:s3#cret@h", "http://ops:s3?cret@h", "http://ops:s3,cret@h", "http://ops:12/cret@h",
        "http://ops:12,cret@h", "ops:s3cret@@h/x@y", "ftp://ops:cret@h", "http://ops:cret", "http://ops:cret@", "http://[cret@h",
        "http://ops:12#cret@h",
    ],
)  # fmt: skip
def test_a_url_that_is_refused_shows_nothing_of_its_password(url: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_urls(url)
    assert "cret" not in str(error.value)
    assert "s3" not in str(error.value)


@pytest.mark.parametrize("seconds", [1e12, 1e300, 2_147_484.0])
def test_a_time_limit_that_no_socket_takes_is_none(tmp_path: Path, seconds: float) -> None:
    limit = resolve({"timeout": seconds}, {}, lambda: tmp_path / "none").timeout
    assert limit is not None
    import socket

    with socket.socket() as connection:
        connection.settimeout(limit)
