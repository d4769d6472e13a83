"""What a command is given: one run of the program, with its streams, its settings, and the client, made on first use."""

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Self, TextIO

from rmqctl.errors import UsageError
from rmqctl.output import FORMATS, TABLE, TERMINAL, Format
from rmqctl.settings import Settings
from rmqctl.streams import Streams

if TYPE_CHECKING:
    from httpx import BaseTransport

    from rmqctl.api.client import Client


class Session:
    """One run of the program. It is not to be changed: `_replace` makes another that differs.

    Tests build it with their own streams, environment and transport: an httpx transport to use instead of the network.
    """

    streams: Streams
    environ: Mapping[str, str]
    settings: Settings = Settings()
    """The defaults until the command line is parsed."""
    given: Mapping[str, object] = {}
    """The global options that the command line names."""
    formats: Mapping[str, Format] = FORMATS
    """Those that the command has."""
    watching: bool = False
    """Whether the command is called again and again: nobody wants its banners then."""
    called: str = "rmqctl"
    """The name of the program: a link may have that of one of RabbitMQ's tools, whose spellings are understood then."""
    invoke: "Callable[[Sequence[str], Session], int]"
    """Runs another command line in a session of its own; its output and errors go there. Returns the exit code."""
    sleep: Callable[[float], None]
    _transport: "BaseTransport | None"

    def __init__(
        self,
        stdin: TextIO,
        stdout: TextIO,
        stderr: TextIO,
        environ: Mapping[str, str],
        transport: "BaseTransport | None" = None,
    ) -> None:
        self.__dict__.update(
            streams=Streams(stdin, stdout, stderr),
            environ=environ,
            invoke=_nobody,
            sleep=time.sleep,
            _transport=transport,
        )

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a session is not changed: _replace({name}=...) makes another")

    @classmethod
    def of_process(cls) -> Self:
        session = cls(sys.stdin, sys.stdout, sys.stderr, os.environ)
        return session._replace(called=Path(sys.argv[0]).name)

    def _replace(self, **changes: object) -> Self:
        """The same run but for these. The client, once there is one, is shared unless the settings want another."""
        made = object.__new__(type(self))
        made.__dict__.update(self.__dict__ | changes)
        if _asking(made.settings) != _asking(self.settings):
            made.__dict__.pop("client", None)
        if made.settings is not self.settings:
            made.__dict__.pop("node", None)
        return made

    def in_format(self, formatter: str) -> Self:
        """The same run, writing in another format."""
        return self._replace(settings=self.settings._replace(output=self.settings.output._replace(formatter=formatter)))

    @cached_property
    def contexts_file(self) -> Path:
        """The contexts file, below the platform's folder for configuration. It need not exist."""
        from typer import get_app_dir

        return Path(get_app_dir("rmqctl")) / "contexts.toml"

    @property
    def as_rabbitmqctl(self) -> bool:
        """Whether it goes by the name of rabbitmqctl or a sister of it: scripts that wait for its banners get them."""
        return self.called.startswith("rabbitmq") and not self.called.startswith("rabbitmqadmin")

    @property
    def on_terminal(self) -> bool:
        """Whether a person looks at stdout."""
        return self.streams.on_terminal

    @property
    def vhost(self) -> str:
        """The virtual host that commands are about when they are about one."""
        return self.settings.vhost if self.settings.vhost is not None else "/"

    @property
    def quiet(self) -> bool:
        output = self.settings.output
        return output.quiet or output.silent

    @property
    def wants_hints(self) -> bool:
        """Whether banners and hints may go to stderr: a person looks, and did not ask for quiet."""
        return self.on_terminal and self.streams.stderr.isatty() and not self.quiet and not self.watching

    @property
    def can_draw(self) -> bool:
        """Whether a terminal moves its cursor, wipes lines and knows colours: one that is dumb prints what it is sent."""
        return self.environ.get("TERM") != "dumb"

    @property
    def shows_progress(self) -> bool:
        """Whether stderr may show how far something is, in a line that changes and then goes."""
        return self.streams.stderr.isatty() and not self.quiet and self.can_draw

    @property
    def format(self) -> Format:
        """The format in force: what --formatter says, JSON for --json and --jq, else a table for the terminal or the pipe."""
        output = self.settings.output
        name = output.formatter
        if name is None and (output.json is not None or output.jq is not None):
            name = "json"
        if name is None:
            return TERMINAL if self.on_terminal else TABLE
        try:
            return self.formats[name.lower()]
        except KeyError:
            raise UsageError(f"--formatter: {name!r} is none of {', '.join(self.formats)}") from None

    @property
    def color(self) -> bool:
        """--color, else NO_COLOR (https://no-color.org), else whether stdout is a terminal that can."""
        when = self.settings.output.color
        if when == "auto":
            return self.on_terminal and not self.environ.get("NO_COLOR") and self.can_draw
        return when == "always"

    def shown(self, text: str) -> str:
        """What stdout gets of a format's text: a terminal obeys nothing in it that a name or a message brought along."""
        return self.format.on_terminal(text) if self.on_terminal else text

    def say(self, line: str) -> None:
        """A line on stderr."""
        self.streams.say(line)

    def hint(self, line: str) -> None:
        """A banner or a hint for a person, on stderr; nothing in a pipe or with --quiet."""
        if self.wants_hints:
            self.say(line)

    def ask(self, question: str) -> str | None:
        """As the streams do; the time that a person thinks is not the broker's."""
        answer = self.streams.ask(question)
        if answer is not None:
            self.client.begin()
        return answer

    def read_stdin(self) -> str:
        """All of standard input. Raises UsageError when the password is there."""
        return self.read_stdin_bytes().decode("utf-8-sig", "surrogateescape")

    def read_stdin_bytes(self) -> bytes:
        self.claim_stdin()
        return self.streams.read_bytes()

    def claim_stdin(self) -> None:
        """Before something else than the password is read from it. Raises UsageError."""
        named = self.given.get("password_stdin") or self.given.get("password_file") == "-"
        if named or self.settings.credentials.from_stdin:
            raise UsageError("the password and something else both come from standard input: give one of them a file")

    @cached_property
    def client(self) -> "Client":
        return self.client_of(self.settings)

    def client_of(self, settings: Settings) -> "Client":
        """A client for a broker that need not be the one in force."""
        from rmqctl import passwords
        from rmqctl.api.client import Client

        streams = self.streams
        return Client(
            settings,
            password=lambda user: passwords.read(
                settings.credentials._replace(user=user), streams.stdin, streams.prompt()
            ),
            warn=self.say,
            log=self.say if settings.output.verbose else None,
            transport=self._transport,
        )

    @cached_property
    def node(self) -> str | None:
        """The member of the cluster that --node names; None without it, or for a user who may not see the nodes."""
        from rmqctl.api import nodes

        wanted = self.settings.node
        return None if wanted is None else nodes.named(self.client, wanted)


def _asking(settings: Settings) -> tuple[object, ...]:
    """What of the settings a client is made of."""
    return settings.endpoints, settings.credentials, settings.tls, settings.timeout, settings.output.verbose


def _nobody(argv: Sequence[str], _: Session) -> int:
    raise RuntimeError(f"nobody is there to run {argv}")
