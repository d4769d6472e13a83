"""rabbitmqadmin's files read as contexts: version 1's ini and version 2's TOML.

Both hold one section a node. A file that is good TOML is taken for version 2.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn

from rmqctl.contexts import Context, as_seconds, as_string, good_name, line_of, parse_toml, refuse_key
from rmqctl.errors import ConfigError


def import_rabbitmqadmin(text: str, source: str) -> tuple[list[Context], list[str]]:
    """The contexts that a rabbitmqadmin.conf describes: version 2's TOML or version 1's ini. `source` names the file.

    Beside them come notes, one for each setting that rmqctl has no counterpart for. A broken file is a ConfigError.
    """
    notes: list[str] = []
    try:
        tables = parse_toml(text, source)
    except ConfigError:
        if _has_quoted_value(text):  # TOML with a mistake in it, not ini
            raise
        sections = _ini(text, source).items()
        return [_from_ini(_Node(name, keys, source, notes, _ini_line(text))) for name, keys in sections], notes
    for name, table in tables.items():
        if not isinstance(table, dict):
            refuse_key(source, text, (name,), f"{name!r} stands outside of a node's table")
    find = partial(_toml_line, text)
    return [_from_toml(_Node(name, dict(table), source, notes, find)) for name, table in tables.items()], notes


def _toml_line(text: str, *keys: str) -> int:
    return line_of(text, keys)


def _has_quoted_value(text: str) -> bool:
    lines = (line.strip() for line in text.splitlines())
    return any(line.partition("=")[2].lstrip().startswith(('"', "'")) for line in lines if line[:1] not in ("#", ";"))


def _ini(text: str, source: str) -> dict[str, dict[str, object]]:
    import configparser

    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text)
    except configparser.ParsingError as error:  # its own message shows the line, which may hold a password
        headless = isinstance(error, configparser.MissingSectionHeaderError)
        line = error.lineno if headless else error.errors[0][0]  # type: ignore[attr-defined]
        raise ConfigError(f"{source}, line {line}: neither TOML nor `key = value` below a [node]") from None
    except (configparser.DuplicateSectionError, configparser.DuplicateOptionError) as error:
        what = f"key {error.option!r}" if isinstance(error, configparser.DuplicateOptionError) else "node"
        raise ConfigError(f"{source}, line {error.lineno}: {what} of [{error.section}] is given twice") from None
    return {name: dict(parser.items(name)) for name in parser.sections()}


def _ini_line(text: str) -> Callable[..., int]:
    """Finds the line of a node, or of a node's key."""

    def line_of(section: str, key: str | None = None) -> int:
        current = ""
        for number, line in enumerate(text.split("\n"), 1):
            if line.startswith("["):
                current = line[1:].partition("]")[0]
            found = current == section and (key is None or line.replace(":", "=").split("=")[0].strip().lower() == key)
            if found:
                return number
        return 1

    return line_of


@dataclass(frozen=True, slots=True)
class _Node:
    """The settings of one node. What is read is taken out of `keys`; what then remains becomes notes."""

    name: str
    keys: dict[str, Any]
    source: str
    notes: list[str]
    line_of: Callable[..., int]

    def __post_init__(self) -> None:
        if not good_name(self.name):
            raise ConfigError(f"{self.source}, line {self.line_of(self.name)}: {self.name!r} is no name for a context")

    def take(self, key: str, wanted: str, convert: Callable[[object], Any]) -> Any:
        """The value of `key`, None when it is not set."""
        if key not in self.keys:
            return None
        value = convert(self.keys[key])
        if value is None:
            self.refuse(key, wanted)
        del self.keys[key]
        return value

    def string(self, key: str) -> str | None:
        value: str | None = self.take(key, "a string", as_string)
        return value or None

    def flag(self, key: str) -> bool:
        return bool(self.take(key, "true or false", _lenient_boolean))

    def refuse(self, key: str, wanted: str) -> NoReturn:
        line = self.line_of(self.name, key)
        raise ConfigError(f"{self.source}, line {line}: {key!r} of node {self.name!r} must be {wanted}")

    def note(self, message: str) -> None:
        self.notes.append(f"{self.source}: node {self.name!r}: {message}")

    def note_the_rest(self) -> None:
        for key in self.keys:
            self.note(f"{key} has no counterpart in rmqctl and is left out")


def _from_ini(node: _Node) -> Context:
    """Version 1: path_prefix stands before /api; the port is 15672 with TLS too."""
    _cut_comments(node)
    tls = _expand_base_uri(node, wins=True) or node.flag("ssl")
    node.keys.pop("ssl", None)
    context = Context(
        node.name,
        url=_url(node, tls, 15672, node.string("path_prefix") or ""),
        user=node.string("username"),
        password=node.string("password"),
        vhost=node.string("vhost"),
        timeout=node.take("request_timeout", "a number of seconds", _duration),
        ca_file=node.string("ssl_ca_cert_file"),
        cert_file=node.string("ssl_cert_file"),
        key_file=node.string("ssl_key_file"),
        insecure=node.flag("ssl_insecure"),
    )
    if node.flag("ssl_disable_hostname_verification") and not context.insecure:
        node.note(
            "ssl_disable_hostname_verification is left out:"
            " rmqctl verifies the certificate with its host name, or with insecure = true nothing"
        )
    if node.keys.get("declare_vhost") == (context.vhost or "/"):
        del node.keys["declare_vhost"]
    node.note_the_rest()
    return context


def _from_toml(node: _Node) -> Context:
    """Version 2: path_prefix holds /api itself."""
    secure_uri = _expand_base_uri(node, wins=False)
    tls = node.flag("tls") or secure_uri
    scheme = node.string("scheme")
    vhost, ignored = node.string("virtual_host"), node.string("vhost")
    if vhost and ignored and vhost != ignored:
        node.note(f"vhost {ignored!r} is left out: virtual_host is {vhost!r}")
    context = Context(
        node.name,
        url=_url(node, tls or scheme == "https", 15671 if tls else 15672, _prefix_before_api(node)),
        user=node.string("username"),
        password=node.string("password"),
        vhost=vhost or ignored,
        ca_file=node.string("ca_certificate_bundle_path"),
        cert_file=node.string("client_certificate_file_path"),
        key_file=node.string("client_private_key_file_path"),
    )
    node.note_the_rest()
    return context


def _cut_comments(node: _Node) -> None:
    """rabbitmqadmin's own example has comments behind values, which version 1 then takes for a part of them."""
    for key, value in node.keys.items():
        before, sign, _comment = value.partition(" #")
        if sign and key not in ("username", "password"):
            node.keys[key] = before.strip()
            node.note(f"{key}: what follows ' #' is taken for a comment")


def _expand_base_uri(node: _Node, wins: bool) -> bool:
    """Replace base_uri by the keys that it stands for; whether it is https. With `wins` its credentials go first."""
    from urllib.parse import unquote, urlsplit

    text = node.string("base_uri")
    if text is None:
        return False
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        place = {"hostname": parts.hostname, "port": parts.port}
    except ValueError:
        node.refuse("base_uri", "a URL")
    login = {
        key: unquote(value) for key, value in (("username", parts.username), ("password", parts.password)) if value
    }
    node.keys.update({key: value for key, value in place.items() if value is not None})
    node.keys.update(login if wins else {key: value for key, value in login.items() if key not in node.keys})
    if parts.path.strip("/"):
        node.note("the path of base_uri is left out, as rabbitmqadmin does")
    return parts.scheme == "https"


def _prefix_before_api(node: _Node) -> str:
    prefix = node.take("path_prefix", "a string", as_string)
    if prefix is None:
        return ""
    path = f"/{str(prefix).strip('/')}"
    if not path.endswith("/api"):
        node.note(f"path_prefix {prefix!r} does not end in /api, which rmqctl puts behind the url's path")
    return path.removesuffix("/api")


def _url(node: _Node, tls: bool, default_port: int, prefix: str) -> str:
    host = node.string("hostname") or "localhost"
    port = node.take("port", "a number from 1 to 65535", _port) or default_port
    host = f"[{host}]" if ":" in host and not host.startswith("[") else host
    path = f"/{prefix.strip('/')}" if prefix.strip("/") else ""
    return f"{'https' if tls else 'http'}://{host}:{port}{path}"


def _lenient_boolean(value: object) -> bool | None:
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    return words.get(str(value).lower()) if isinstance(value, bool | str) else None


def _port(value: object) -> int | None:
    text = str(value) if isinstance(value, int | str) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 and 0 < int(text) < 65536 else None


def _duration(value: object) -> float | None:
    try:
        return as_seconds(float(str(value)))
    except ValueError:
        return None
