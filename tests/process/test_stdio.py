"""What is written to the standard streams is written whole, or is an error."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

RMQCTL = (sys.executable, "-m", "rmqctl")
ENVIRON = {name: value for name, value in os.environ.items() if not name.startswith(("RMQCTL_", "PYTHON"))}
UNBUFFERED = {**ENVIRON, "PYTHONUNBUFFERED": "1"}


def overview() -> bytes:
    """Several kilobytes, and no broker is needed for them."""
    return subprocess.run([*RMQCTL, "--help"], capture_output=True, env=ENVIRON, check=True).stdout


@pytest.mark.parametrize("environ", [ENVIRON, UNBUFFERED], ids=("buffered", "unbuffered"))
@pytest.mark.parametrize("words", [("--help",), ("list_queues", "--help"), ("--version",)])
def test_a_full_disk(environ: dict[str, str], words: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run([*RMQCTL, *words], stdout=full, stderr=subprocess.PIPE, env=environ, check=False)
    assert (ran.returncode, ran.stderr.count(b"\n"), b"No space left" in ran.stderr) == (70, 1, True), ran


@pytest.mark.parametrize("environ", [ENVIRON, UNBUFFERED], ids=("buffered", "unbuffered"))
def test_a_disk_that_becomes_full(environ: dict[str, str], tmp_path: Path) -> None:
    """A write takes a part of what it is given: only the next one fails."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    with (tmp_path / "out").open("wb") as out:
        ran = subprocess.run(
            [*RMQCTL, "--help"], stdout=out, stderr=subprocess.PIPE, env=environ, preexec_fn=limit, check=False
        )
    assert (ran.returncode, ran.stderr.count(b"\n"), b"could not be written" in ran.stderr) == (70, 1, True), ran
    assert (tmp_path / "out").stat().st_size == 1000


@pytest.mark.parametrize("environ", [ENVIRON, UNBUFFERED], ids=("buffered", "unbuffered"))
def test_a_pipe_that_does_not_block_and_a_slow_reader(environ: dict[str, str]) -> None:
    fcntl = pytest.importorskip("fcntl")
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(writing, False)
    with subprocess.Popen([*RMQCTL, "--help"], stdout=writing, stderr=subprocess.PIPE, env=environ) as process:
        os.close(writing)
        found = b""
        while piece := os.read(reading, 500):
            found += piece
            time.sleep(0.005)
        os.close(reading)
        assert process.stderr
        assert (process.wait(30), process.stderr.read()) == (0, b"")
    assert found == overview()


def closing(number: int) -> Callable[[], None]:
    return lambda: os.close(number)


@pytest.mark.parametrize(
    "words", [("--version",), ("list_queues",), ("publish", "-k", "q", "x"), ("--help",), ("nope",)]
)
def test_a_closed_stdout_is_an_error_before_anything_is_done(words: tuple[str, ...]) -> None:
    ran = subprocess.run([*RMQCTL, *words], stderr=subprocess.PIPE, env=ENVIRON, preexec_fn=closing(1), check=False)
    assert (ran.returncode, ran.stderr.count(b"\n")) == (70, 1), ran
    assert ran.stderr.startswith(b"rmqctl: standard output is closed")


def test_a_closed_stderr_and_a_closed_stdin() -> None:
    ran = subprocess.run([*RMQCTL, "nope"], stdout=subprocess.PIPE, env=ENVIRON, preexec_fn=closing(2), check=False)
    assert (ran.returncode, ran.stdout) == (64, b"")
    words = ("--url", "http://127.0.0.1:9", "--password-stdin", "list_queues")
    ran = subprocess.run([*RMQCTL, *words], capture_output=True, env=ENVIRON, preexec_fn=closing(0), check=False)
    assert ran.returncode != 70, ran
