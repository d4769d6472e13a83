"""Long output on a terminal goes through a pager, as git's does."""

import contextlib
import os
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

from rmqctl import children
from rmqctl.session import Session


def page(session: Session, pieces: Iterator[str]) -> None:
    """Writes the pieces, through PAGER or `less -FRX` when they are higher than the terminal."""
    held: list[str] = []
    lines = 0
    for piece in pieces:
        held.append(piece)
        lines += piece.count("\n")
        if lines >= session.streams.height:
            break
    else:
        session.streams.stdout.write("".join(held))
        return
    pager = _start(session)
    if pager is None or pager.stdin is None:
        _write(session.streams.stdout.write, held, pieces)
        return
    # The reader may leave before the end; Ctrl-C is the pager's business.
    with contextlib.suppress(BrokenPipeError), pager.stdin as pipe:
        _write(pipe.write, held, pieces)
    while True:
        try:
            pager.wait()
            return
        except KeyboardInterrupt:
            continue


def through_man(program: str, page: Path) -> int:
    """Shows a manual page, which has a pager of its own. Returns the exit code."""
    return subprocess.run([program, "-l", page], env=children.environment(os.environ), check=False).returncode  # noqa: S603


def _write(write: "object", held: list[str], pieces: Iterator[str]) -> None:
    assert callable(write)
    for piece in held:
        write(piece)
    for piece in pieces:
        write(piece)


def _start(session: Session) -> "subprocess.Popen[str] | None":
    command = session.environ.get("PAGER", "less")
    if command in ("", "cat"):
        return None
    environ = {**children.environment(os.environ), "LESS": session.environ.get("LESS", "FRX")}
    session.streams.stdout.flush()
    try:
        return subprocess.Popen(  # noqa: S603 (the user's own pager)
            shlex.split(command),
            stdin=subprocess.PIPE,
            env=environ,
            text=True,
            encoding="utf-8",
            errors="backslashreplace",
        )
    except (OSError, ValueError):
        return None
