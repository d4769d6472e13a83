"""A program of the user's that gets a payload on its standard input."""

import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence

from rmqctl import children
from rmqctl.errors import UsageError


def words_of(command: str) -> list[str]:
    """The command as a shell splits it; no shell runs it. Raises UsageError when there is no such program."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"--exec {command!r}: {error}") from None
    if not words:
        raise UsageError("--exec: which command?")
    if shutil.which(words[0]) is None:
        raise UsageError(f"--exec: there is no program {words[0]!r}")
    return words


def run(words: Sequence[str], payload: bytes, environ: Mapping[str, str]) -> str:
    """Runs it to its end. Returns why that is no success, "" when it exits with 0."""
    try:
        done = subprocess.run(words, input=payload, env=children.environment(environ), check=False)  # noqa: S603
        code = done.returncode
    except OSError as error:  # headers too long for the environment, the program gone
        return str(error.strerror or error).lower()
    if code < 0:
        return f"killed by signal {-code}"
    return f"exit code {code}" if code else ""
