"""The manual pages: up to date, without a complaint of the programs that show them, and shown by `rmqctl man`."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rmqctl.commands import COMMANDS

from .conftest import Ran

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "rmqctl" / "man").glob("*.1"))

Run = Callable[..., Ran]


def test_the_pages_are_up_to_date() -> None:
    checked = subprocess.run(
        [sys.executable, ROOT / "scripts" / "manpages", "--check"], stderr=subprocess.PIPE, text=True
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def test_every_command_has_a_page() -> None:
    titles = [name.replace(" ", "-") for name, entry in COMMANDS.items() if entry.offered]
    assert {page.name for page in PAGES} == {"rmqctl.1", *(f"rmqctl-{title}.1" for title in titles)}


def test_mandoc_has_nothing_to_say() -> None:
    if shutil.which("mandoc") is None:
        pytest.skip("mandoc is not installed")
    linted = subprocess.run(["mandoc", "-T", "lint", *PAGES], capture_output=True, text=True)
    assert (linted.returncode, linted.stdout, linted.stderr) == (0, "", "")


def test_man_has_nothing_to_say() -> None:
    if shutil.which("man") is None:
        pytest.skip("man is not installed")
    shown = subprocess.run(
        ["man", "--warnings", "-E", "UTF-8", "-Tutf8", "-Z", "-l", *PAGES],
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANWIDTH": "80", "MANROFFSEQ": ""},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert (shown.returncode, shown.stderr) == (0, "")


def test_man_is_roff_in_a_pipe(run: Run) -> None:
    assert run("man").out == (ROOT / "rmqctl" / "man" / "rmqctl.1").read_text()
    page = (ROOT / "rmqctl" / "man" / "rmqctl-show-queue.1").read_text()
    assert run("man", "show", "queue") == run("man", "show-queue") == Ran(0, page, "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("list_queue",), "no manual page for 'list_queue': did you mean 'list_queues'?"),
        (("context",), "man context what? One of: list, show, add, use, remove, path, import"),
        (("start_app",), "start_app has no manual page: Needs rabbitmqctl on the node"),
    ],
)
def test_what_has_no_page_is_said(run: Run, words: tuple[str, ...], said: str) -> None:
    ran = run("man", *words)
    assert (ran.exit, ran.out) == (64, "")
    assert ran.err.startswith(f"rmqctl: {said}")


def test_on_a_terminal_the_program_man_shows_it(run: Run, tmp_path: Path) -> None:
    program = tmp_path / "man"
    program.write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/asked\nexit 3\n')
    program.chmod(0o755)
    ran = run("man", "list_queues", environ={"PATH": str(tmp_path)}, terminal=True)
    assert (ran.exit, ran.out) == (3, "")
    assert (tmp_path / "asked").read_text() == f"-l {ROOT}/rmqctl/man/rmqctl-list_queues.1\n"
