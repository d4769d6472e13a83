"""Standard input, output and error of one run, and what is known of the terminal behind them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TextIO


class Streams:
    """Everything that is written for a person goes through here, so that no name in it reaches a terminal as an order."""

    def __init__(self, stdin: TextIO, stdout: TextIO, stderr: TextIO) -> None:
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr

    @cached_property
    def on_terminal(self) -> bool:
        """Whether a person looks at stdout."""
        return self.stdout.isatty()

    @property
    def attended(self) -> bool:
        """Whether somebody is there to read a question and to answer it."""
        return self.stdin.isatty() and self.stderr.isatty()

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

    def write(self, text: str) -> None:
        """Text on stdout, at once."""
        self.stdout.write(text)
        self.stdout.flush()

    def write_bytes(self, data: bytes) -> None:
        """Bytes on stdout, as they are; on a terminal without what it would obey."""
        if self.on_terminal:
            from rmqctl.output.escape import harmless

            self.write(harmless(data.decode(errors="backslashreplace")))
            return
        binary = getattr(self.stdout, "buffer", None)
        if binary is None:
            self.stdout.write(data.decode(errors="replace"))
            return
        self.stdout.flush()
        binary.write(data)
        binary.flush()

    def flush(self) -> None:
        self.stdout.flush()
        self.stderr.flush()

    def say(self, line: str) -> None:
        """A line on stderr. Names and reasons in it come from others: nothing in them is for the terminal, or for a log.

        On a terminal it ends between words.
        """
        self.stdout.flush()
        text = _visible(line)
        if self.stderr.isatty() and len(text) > self.size[0] // 2:  # a character takes two columns at most
            from rmqctl.output.wrapping import wrapped

            text = "\n".join(part for each in text.split("\n") for part in wrapped(each, self.size[0], whole=True))
        print(text, file=self.stderr, flush=True)

    @contextmanager
    def status(self, *, shown: bool) -> Iterator[Callable[[str], None]]:
        """Yields what writes a line on stderr over the one before; at the end it is gone. Nothing unless it is to be shown."""
        if not shown:
            yield lambda _: None
            return

        def show(line: str) -> None:
            self.stderr.write(f"\r{_visible(line)}\x1b[K")
            self.stderr.flush()

        try:
            yield show
        finally:
            self.stderr.write("\r\x1b[K")

    @contextmanager
    def diverted(self, elsewhere: TextIO) -> Iterator[None]:
        """What is said meanwhile goes elsewhere if stderr is a terminal: somebody draws on that."""
        stderr = self.stderr
        if stderr.isatty():
            self.stderr = elsewhere
        try:
            yield
        finally:
            self.stderr = stderr

    def read_bytes(self) -> bytes:
        """All of standard input."""
        binary = getattr(self.stdin, "buffer", None)
        return self.stdin.read().encode() if binary is None else bytes(binary.read())

    def prompt(self) -> Callable[[str], str] | None:
        """Asks for a secret on the terminal; None when nobody is there to answer."""
        if not self.stdin.isatty():
            return None
        from getpass import getpass

        return lambda text: getpass(text, stream=self.stderr)

    def ask(self, question: str) -> str | None:
        """What a person answers to the question, which goes to stderr; None when nobody is there to answer."""
        if not self.attended:
            return None
        self.stdout.flush()
        print(_visible(question), end="", file=self.stderr, flush=True)
        return self.stdin.readline().strip()


def _visible(text: str) -> str:
    """Texts that are in order, which are nearly all, need no more than a look."""
    if text.isprintable():
        return text
    from rmqctl.output.escape import visible_lines

    return visible_lines(text)
