"""Long output on a terminal: through which pager, and when through none."""

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from rmqctl.streams import Streams

from .conftest import Broker, Ran, run_with

NAMES = [f"vhost {number:04}" for number in range(2000)]
# Keeps what it is given, and the variable LESS, and prints nothing: the streams of the tests are no files.
KEEP = "import os, sys; open(sys.argv[1], 'w').write(os.environ.get('LESS', '-') + '\\n' + sys.stdin.read())"


@pytest.fixture(autouse=True)
def _height(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Streams, "size", (80, 24))


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "kept"


def pager(kept: Path) -> str:
    return shlex.join([sys.executable, "-c", KEEP, str(kept)])


def lists(*argv: str, environ: Mapping[str, str], rows: int = len(NAMES), terminal: bool = True) -> Ran:
    broker = Broker({"GET /api/vhosts": [{"name": name} for name in NAMES[:rows]]})
    return run_with("list_vhosts", "name", "-q", *argv, broker=broker, environ=environ, terminal=terminal)


def lines_of(text: str) -> list[str]:
    return [name for name in NAMES if name in text]


def test_long_output_goes_through_the_pager(kept: Path) -> None:
    assert lists(environ={"PAGER": pager(kept)}) == Ran(0, "", "")
    assert lines_of(kept.read_text()) == NAMES


@pytest.mark.parametrize(("given", "options"), [({}, "FRX"), ({"LESS": "S"}, "S")])
def test_less_ends_at_once_on_a_short_page_unless_the_user_says_otherwise(
    kept: Path, given: dict[str, str], options: str
) -> None:
    lists(environ={"PAGER": pager(kept), **given})
    assert kept.read_text().partition("\n")[0] == options


def test_what_fits_the_screen_needs_none(kept: Path) -> None:
    ran = lists(environ={"PAGER": pager(kept)}, rows=5)
    assert lines_of(ran.out) == NAMES[:5]
    assert not kept.exists()


def test_a_pipe_has_none(kept: Path) -> None:
    ran = lists(environ={"PAGER": pager(kept)}, terminal=False)
    assert ran.out.splitlines() == ["name", *NAMES]
    assert not kept.exists()


@pytest.mark.parametrize(
    ("argv", "variables", "paged"),
    [
        (("--no-pager",), {}, False),
        ((), {"RMQCTL_PAGER": "false"}, False),
        (("--pager",), {"RMQCTL_PAGER": "false"}, True),
        # It is the option's variable, not the name of a program.
        ((), {"RMQCTL_PAGER": "true"}, True),
    ],
)
def test_whether_there_is_a_pager(kept: Path, argv: tuple[str, ...], variables: dict[str, str], paged: bool) -> None:
    ran = lists(*argv, environ={"PAGER": pager(kept), **variables})
    assert kept.exists() == paged
    assert lines_of(kept.read_text() if paged else ran.out) == NAMES


@pytest.mark.parametrize("none", ["", "cat", "/no/such/pager", "less 'open"])
def test_without_a_pager_that_starts_all_is_printed(none: str) -> None:
    ran = lists(environ={"PAGER": none})
    assert lines_of(ran.out) == NAMES
    assert (ran.exit, ran.err) == (0, "")


def test_a_reader_who_leaves_early_is_no_error() -> None:
    many = [{"name": f"{number:06}" * 10} for number in range(20_000)]  # more than a pipe holds
    leave = shlex.join([sys.executable, "-c", "import sys; sys.stdin.readline()"])
    broker = Broker({"GET /api/vhosts": many})
    assert run_with("list_vhosts", "name", broker=broker, environ={"PAGER": leave}, terminal=True).exit == 0
