"""Some numbers of `tests.fuzz.damaged`, and that it finds what it looks for."""

import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

from rmqctl.broker.storage import database, recovery

from . import damaged


@pytest.mark.parametrize("first", range(0, 80, 20))
def test_what_is_damaged_is_never_served(first: int) -> None:
    found, problems = damaged.run_many(range(first, first + 20))
    assert problems == []
    assert len(found) > 1


class _Any(int):
    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = int.__hash__


def test_rows_that_nobody_checks_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery, "entry_checksum", lambda *_: _Any())
    assert any("never published" in problem for problem in damaged.run_many(range(30))[1])


def test_a_log_that_nobody_counts_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "lost_frames", lambda *_: 0)
    assert any("nothing is said" in problem for problem in damaged.run_many(range(60))[1])


@pytest.mark.parametrize("number", range(3))
def test_a_process_says_it_in_one_line(tmp_path: Path, number: int) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    damaged.make(folder, Random(number))
    data = bytearray((folder / "broker.sqlite").read_bytes())
    data[100 + number : 130 + number] = bytes(30)
    (folder / "broker.sqlite").write_bytes(data)
    (folder / "broker.sqlite-wal").unlink(missing_ok=True)
    start = [sys.executable, "-m", "rmqctl", "broker", "run", "--amqp-port", "0", "--http-port", "0"]
    ended: Any = subprocess.run([*start, "--data-dir", folder], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 78, ended.stderr
    (line,) = ended.stderr.splitlines()
    assert "damaged" in line
    assert "it is left as it is" in line
