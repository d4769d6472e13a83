"""What a scene can do: tell something, show a program, run it, run rmqctl, and wait for the one who looks on."""

import json
import os
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, Self

from rich.console import Console
from rich.rule import Rule
from rich.syntax import Syntax
from rich.text import Text

from rmqctl import children
from rmqctl.demo.audience import Screen, session_on, transport
from rmqctl.demo.turns import ANSWERS, Turn
from rmqctl.errors import RmqctlError
from rmqctl.session import Session
from rmqctl.settings import resolve

PROGRAMS = Path(__file__).parent / "programs"
# Seconds that a program or the broker gets to do what the scene says it does.
PATIENCE = 20.0
_POLL = 0.02
_COUNTS = ("list_queues", "name", "messages_ready", "messages_unacknowledged", "-f", "json")
# Lines of a screen that a program needs beside its own: rules, prompt, and what was said before it.
_AROUND = 12
_PICTURE = os.terminal_size((100, 16))
"""The size of the picture of `top`, on a terminal that has room for it."""
_PROMPTS = ("Enter goes on, b back, s skip, Ctrl-C ends the demo", "Enter goes on, b back, s skip")
_COLORS = ("cyan", "magenta", "yellow", "green")


class Broker(Protocol):
    """The broker that the scene plays on."""

    amqp_url: str
    url: str

    def restart(self) -> None: ...


class Program:
    """A running program of the tutorial. Its lines appear as they come, after its label."""

    def __init__(self, stage: "Stage", name: str, args: Sequence[str], label: str, environ: Mapping[str, str]) -> None:
        self.label = label
        self.lines: list[str] = []
        self._stage = stage
        self._changed = threading.Condition()
        self._muted = False
        # In a group of its own: Ctrl-C is for the demo, which ends it in its own way.
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-u", str(PROGRAMS / name), *args],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            env=children.of_python(environ),
            process_group=0,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_for(self, text: str, count: int = 1) -> None:
        """Until so many of its lines have the text. Raises RmqctlError when it never comes."""

        def seen() -> bool:
            return sum(text in line for line in self.lines) >= count

        with self._changed:
            if not self._changed.wait_for(seen, PATIENCE):
                raise RmqctlError(
                    f"the demo's program {self.label!r} did not print {text!r} within {PATIENCE:g} seconds"
                )

    def finish(self) -> None:
        """Until it has ended by itself. Raises RmqctlError when it failed."""
        try:
            code = self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise RmqctlError(f"the demo's program {self.label!r} did not end") from None
        self._reader.join(PATIENCE)
        if code:
            raise RmqctlError(f"the demo's program {self.label!r} failed: {' '.join(self.lines[-1:])}")

    def kill(self) -> None:
        """Ends it as kill -9 does, in the middle of whatever it does."""
        self._muted = True
        self._process.kill()
        self._process.wait()
        self._reader.join(PATIENCE)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                if self._muted:
                    return
                self.lines.append(line.rstrip("\n"))
                self._stage.echo(self.label, self.lines[-1])
                self._changed.notify_all()


class Stage:
    """`auto`: nobody is asked to press Enter."""

    def __init__(self, session: Session, broker: Broker, *, auto: bool) -> None:
        self.broker = broker
        self.auto = auto
        self._session = session
        self._way = transport()
        self._lock = threading.Lock()
        self._programs: list[Program] = []
        self._labels: dict[str, str] = {}
        terminal = session.on_terminal
        self._console = Console(
            file=session.streams.stdout,
            force_terminal=terminal,
            no_color=not session.color,
            highlight=False,
            markup=False,
            emoji=False,
            soft_wrap=not terminal,
            width=session.streams.width,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the programs that still run."""
        for program in self._programs:
            program.kill()
        self._way.close()

    # ------------------------------------------------------------------------------------------------------- telling

    def heading(self, text: str) -> None:
        with self._lock:
            if self._session.on_terminal:
                self._block(Rule(text, style="bold blue", characters="━"))
            else:
                self._block(f"=== {text} ===")

    def say(self, text: str) -> None:
        """A paragraph."""
        with self._lock:
            self._block(" ".join(text.split()))

    def program(self, name: str) -> None:
        """Shows the program, the very file that will run."""
        code = (PROGRAMS / name).read_text(encoding="utf-8").rstrip("\n")
        if code.count("\n") + _AROUND > self._session.streams.height:
            # It would push what was said off the screen.
            self.pause()
        with self._lock:
            if self._session.on_terminal:
                self._block(
                    Rule(name, align="left", style="dim"),
                    Syntax(code, "python", theme="ansi_dark", background_color="default", word_wrap=True),
                    Rule(style="dim"),
                )
            else:
                self._block(f"--- {name}", "\n".join(f"    {line}".rstrip() for line in code.split("\n")), "---")

    def pause(self) -> None:
        """Waits for Enter. The end of the input means: go on without. Raises Turn when the scene is to be left."""
        if self.auto:
            return
        streams = self._session.streams
        prompt = max((each for each in _PROMPTS if len(each) + 2 < streams.size[0]), key=len, default=_PROMPTS[-1])
        streams.write(f"\n{prompt} ")
        answer = streams.stdin.readline()
        self.auto = not answer
        if self._session.environ.get("TERM") != "dumb":
            # The prompt is wiped out: only the scene stays on the screen.
            streams.write("\x1b[1A\x1b[2K\x1b[1A")
        if (turn := ANSWERS.get(answer.strip().lower())) is not None:
            raise Turn(turn)

    def echo(self, label: str, line: str) -> None:
        """A line of a program's output."""
        color = self._labels.setdefault(label, _COLORS[len(self._labels) % len(_COLORS)])
        with self._lock:
            self._console.print(Text.assemble((f"{label:>15} |", color), " ", line))
            self._session.streams.stdout.flush()

    def _block(self, *parts: Any) -> None:
        """An empty line and the parts."""
        for part in ("", *parts):
            self._console.print(part)
        self._session.streams.stdout.flush()

    # -------------------------------------------------------------------------------------------------------- acting

    def start(self, name: str, *args: str, label: str = "") -> Program:
        """Starts a program and leaves it running."""
        self._command("python", name, *args, note=label)
        environ = {**self._session.environ, "AMQP_URL": self.broker.amqp_url}
        program = Program(self, name, args, label or Path(name).stem, environ)
        self._programs.append(program)
        return program

    def run(self, name: str, *args: str) -> None:
        """Runs a program to its end."""
        self.start(name, *args).finish()

    def kill(self, program: Program) -> None:
        """Ends a program as kill -9 does, in the middle of whatever it does."""
        self._command("kill", "-9", str(program.pid), note=program.label)
        program.kill()

    def wait_for_all(self, programs: Sequence[Program], text: str) -> None:
        for program in programs:
            program.wait_for(text)

    def rmqctl(self, *words: str, code: int = 0) -> None:
        """Shows and runs an rmqctl command, with its output. `code`: the exit code that it has."""
        self._command("rmqctl", *words)
        screen = Screen(terminal=self._session.on_terminal)
        if self._call(words, screen) != code:
            raise RmqctlError(f"the demo's command failed: rmqctl {' '.join(words)}: {screen.getvalue()}")
        with self._lock:
            if self._session.on_terminal:
                # Sentences are wrapped at words, as the scene's own.
                self._console.print(Text.from_ansi(screen.getvalue()))
            else:
                self._session.streams.write(screen.getvalue())
            self._session.streams.stdout.flush()

    def top(self) -> None:
        """Shows `rmqctl top` as a picture: nobody has to leave it again."""
        self._command("rmqctl", "top")
        try:
            from rmqctl.top import picture
        except ModuleNotFoundError as error:
            self.say(f"It needs the library {error.name}: pip install 'rmqctl[top]'")
            return
        from rmqctl.top.source import Source

        session = session_on(self.broker.url, self._way, self._session, Screen(terminal=False))
        settings = resolve({}, session.environ, lambda: session.contexts_file)
        source = Source(session._replace(settings=settings).client, None)
        columns, lines = self._session.streams.size
        size = (min(columns, _PICTURE.columns), min(lines - 2, _PICTURE.lines))
        taken = picture.taken(source, size, PATIENCE)
        with self._lock:
            for line in taken:
                text = Text.assemble(*((each.text, each.style or "") for each in line))
                text.rstrip()
                self._console.print(text, soft_wrap=True)
            self._session.streams.stdout.flush()

    def until(self, what: str, true: Callable[[Mapping[str, Any]], bool], queue: str) -> None:
        """Waits until something holds of a queue's row in the list."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if any(true(row) for row in self._rows(_COUNTS) if row["name"] == queue):
                return
            time.sleep(_POLL)
        raise RmqctlError(f"the demo waited in vain until {what}")

    def _command(self, *words: str, note: str = "") -> None:
        """Shows a command line."""
        line = Text(f"$ {shlex.join(words)}", "bold")
        if note:
            line.append(f"  # {note}", "dim")
        with self._lock:
            self._block(line)

    def _rows(self, words: Sequence[str]) -> list[dict[str, Any]]:
        screen = Screen(terminal=False)
        if self._call(words, screen):
            return []
        rows: list[dict[str, Any]] = json.loads(screen.getvalue())
        return rows

    def _call(self, words: Sequence[str], screen: Screen) -> int:
        return self._session.invoke(words, session_on(self.broker.url, self._way, self._session, screen))
