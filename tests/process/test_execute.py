"""Messages that are given to a command."""

from pathlib import Path

import pytest

from rmqctl import execute
from rmqctl.errors import UsageError


def test_a_command(tmp_path: Path) -> None:
    environ = {"PATH": "/usr/bin:/bin", "OUT": str(tmp_path / "out")}
    assert execute.run(execute.words_of("sh -c 'cat > \"$OUT\"'"), b"\xff\x00", environ) == ""
    assert (tmp_path / "out").read_bytes() == b"\xff\x00"
    assert execute.run(["sh", "-c", "exit 7"], bytes(1 << 20), environ) == "exit code 7"
    assert execute.run(["sh", "-c", "kill -9 $$"], b"", environ) == "killed by signal 9"
    assert execute.run(["sh", "-c", "true"], b"", {**environ, "LONG": "x" * (1 << 20)}) == "argument list too long"
    for command in ("", "'", "/nonexistent/program"):
        with pytest.raises(UsageError, match="--exec"):
            execute.words_of(command)
