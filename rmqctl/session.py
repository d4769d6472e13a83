"""What a command is given: streams, facts about the terminal, settings, and the client, made on first use."""

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from rmqctl.errors import UsageError
from rmqctl.output import FORMATS, TABLE, TERMINAL, Format
from rmqctl.settings import Settings

if TYPE_CHECKING:
    from httpx import BaseTransport

    from rmqctl.api.client import Client


class Session:
    """One run of the program. Tests build it with their own streams, environment and transport.

    `settings` are the defaults until the command line is parsed, `given` the global options that it names. `transport` is
    an httpx transport to use instead of the network.
    """

    def __init__(
        self,
        stdin: TextIO,
        stdout: TextIO,
        stderr: TextIO,
        environ: Mapping[str, str],
        transport: "BaseTransport | None" = None,
    ) -> None:
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.environ = environ
        self.settings = Settings()
        self.given: Mapping[str, object] = {}
        self.invoke: Callable[[Sequence[str], Session], int] = _nobody
        """Runs another command line in a session of its own; its output and errors go there. Returns the exit code."""
        self.as_rabbitmqctl = False
        """Whether a link of rabbitmqctl's name led here: scripts that wait for its banners get them."""
        self.node: str | None = None
        """The member of the cluster that --node names, once the cluster was asked for it."""
        self.formats: Mapping[str, Format] = FORMATS
        """Those that the command has."""
        self.watching = False
        """Whether the command is called again and again: nobody wants its banners then."""
        self.sleep: Callable[[float], None] = time.sleep
        self._transport = transport

    @classmethod
    def of_process(cls) -> "Session":
        session = cls(sys.stdin, sys.stdout, sys.stderr, os.environ)
        session.as_rabbitmqctl = Path(sys.argv[0]).name.startswith("rabbitmq")
        return session

    @cached_property
    def contexts_file(self) -> Path:
        """The contexts file, below the platform's folder for configuration. It need not exist."""
        from typer import get_app_dir

        return Path(get_app_dir("rmqctl")) / "contexts.toml"

    @cached_property
    def on_terminal(self) -> bool:
        """Whether a person looks at stdout."""
        return self.stdout.isatty()

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
        return self.on_terminal and self.stderr.isatty() and not self.quiet and not self.watching

    @property
    def format(self) -> Format:
        """The format in force: what --formatter says, else a table that suits the terminal or the pipe."""
        name = self.settings.output.formatter
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
            return self.on_terminal and not self.environ.get("NO_COLOR") and self.environ.get("TERM") != "dumb"
        return when == "always"

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines of the terminal, as they are now."""
        from shutil import get_terminal_size

        size = get_terminal_size()
        return size.columns, size.lines

    @property
    def width(self) -> int | None:
        """Columns of the terminal, None when stdout is none: then nothing is shortened."""
        return self.size[0] if self.on_terminal else None

    @property
    def height(self) -> int:
        return self.size[1]

    def hint(self, line: str) -> None:
        """A banner or a hint for a person, on stderr; nothing in a pipe or with --quiet."""
        if self.wants_hints:
            self.say(line)

    def shown(self, text: str) -> str:
        """What stdout gets of a format's text: a terminal obeys nothing in it that a name or a message brought along."""
        return self.format.on_terminal(text) if self.on_terminal else text

    def write_bytes(self, data: bytes) -> None:
        """Bytes on stdout, as they are; on a terminal without what it would obey."""
        if self.on_terminal:
            from rmqctl.output.escape import harmless

            self.stdout.write(harmless(data.decode(errors="backslashreplace")))
            self.stdout.flush()
            return
        binary = getattr(self.stdout, "buffer", None)
        if binary is None:
            self.stdout.write(data.decode(errors="replace"))
            return
        self.stdout.flush()
        binary.write(data)
        binary.flush()

    def say(self, line: str) -> None:
        """A line on stderr. Names and reasons in it come from others: nothing in them is for the terminal, or for a log."""
        self.stdout.flush()
        print(_visible(line), file=self.stderr, flush=True)

    def read_stdin(self) -> str:
        """All of standard input. Raises UsageError when the password is there."""
        return self.read_stdin_bytes().decode("utf-8-sig", "surrogateescape")

    def read_stdin_bytes(self) -> bytes:
        self.claim_stdin()
        binary = getattr(self.stdin, "buffer", None)
        return self.stdin.read().encode() if binary is None else bytes(binary.read())

    def claim_stdin(self) -> None:
        """Before something else than the password is read from it. Raises UsageError."""
        named = self.given.get("password_stdin") or self.given.get("password_file") == "-"
        if named or self.settings.credentials.from_stdin:
            raise UsageError("the password and something else both come from standard input: give one of them a file")

    def prompt(self) -> Callable[[str], str] | None:
        """Asks for a secret on the terminal; None when nobody is there to answer."""
        if not self.stdin.isatty():
            return None
        from getpass import getpass

        return lambda text: getpass(text, stream=self.stderr)

    def ask(self, question: str) -> str | None:
        """What a person answers to the question, which goes to stderr; None when nobody is there to answer."""
        if not (self.stdin.isatty() and self.stderr.isatty()):
            return None
        self.stdout.flush()
        print(_visible(question), end="", file=self.stderr, flush=True)
        answer = self.stdin.readline().strip()
        self.client.begin()  # the time that a person thinks is not the broker's
        return answer

    @cached_property
    def client(self) -> "Client":
        return self.client_of(self.settings)

    def client_of(self, settings: Settings) -> "Client":
        """A client for a broker that need not be the one in force."""
        from rmqctl import passwords
        from rmqctl.api.client import Client

        return Client(
            settings,
            password=lambda user: passwords.read(settings.credentials._replace(user=user), self.stdin, self.prompt()),
            warn=self.say,
            log=self.say if settings.output.verbose else None,
            transport=self._transport,
        )


def _visible(text: str) -> str:
    """Texts that are in order, which are nearly all, need no more than a look."""
    if text.isprintable():
        return text
    from rmqctl.output.escape import visible_lines

    return visible_lines(text)


def _nobody(argv: Sequence[str], _: Session) -> int:
    raise RuntimeError(f"nobody is there to run {argv}")
