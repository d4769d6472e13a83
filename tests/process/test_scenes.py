"""Every scene runs to its end, and shows what it says."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len

from rmqctl.demo.embedded import EmbeddedBroker
from rmqctl.demo.scenes import SCENES
from rmqctl.demo.stage import PROGRAMS

FACTS = {
    "hello": [r"\[x\] Received 'Hello World!'", r"^hello\t1\t0$", r"^hello\t0\t0$"],
    "round-robin": [
        r"worker 1 \|  \[x\] Received 'task 1\.'",
        r"worker 2 \|  \[x\] Received 'task 2\.'",
        r"worker 1 \|  \[x\] Received 'task 3\.'",
        r"worker 2 \|  \[x\] Received 'task 4\.'",
        r"^task_queue\ttrue\t0\ttrue$",
    ],
    "dying-worker": [r"^task_queue\t0\t1$", r"^\$ kill -9 \d+", r"^task_queue\t1\t0$", r"worker 2 \|.*again$"],
    "forgotten-acks": [
        r"^task_queue\t0\t3$",
        r"\(1\)\t1\t3$",
        r"^\$ rmqctl check acks --for 2s\nacks WARNING: 1 client holds 3 messages",
        r"^\$ rmqctl who task_queue\n.*\n(.*\n)*  consumer .*its channel holds 3",
        r"^\$ rmqctl top\n(.*\n)*.*1 client forgets the ack of 3 messages\n(.*\n)*task_queue .* forgets$",
        r"^\$ kill -9 \d+",
        r"^task_queue\t3\t0$",
    ],
    "durability": [r"^task_queue\ttrue\t2$", r"started again", r"^task_queue\ttrue\t1$"],
    "fair-dispatch": [
        r"worker 1 \|  \[x\] Received 'heavy",
        r"worker 2 \|  \[x\] Received 'light",
        r"^task_queue\ttrue\t1$",
    ],
    "publish-subscribe": [
        r"terminal 1 \|  \[x\] info: user logged in",
        r"terminal 2 \|  \[x\] info: user logged in",
        r"^logs\tamq\.gen-.*\nlogs\tamq\.gen-",
    ],
    "routing": [
        r"errors \|  \[x\] error: disk is full",
        r"all \|  \[x\] info: job started",
        r"kern\.\* \|  \[x\] kern\.critical: a kernel error",
        r"^topic_logs\t\*\.critical$",
    ],
}


@pytest.mark.parametrize("name", [scene.name for scene in SCENES])
def test_a_scene_shows_what_it_says(run: Callable, name: str) -> None:
    ran = run("demo", "--auto", "--scene", name)
    assert (ran.exit, ran.err) == (0, "")
    for fact in FACTS[name]:
        assert re.search(fact, ran.out, re.MULTILINE), f"{fact} is not in\n{ran.out}"
    for program in re.findall(r"^--- (\S+)$", ran.out, re.MULTILINE):
        code = (PROGRAMS / program).read_text(encoding="utf-8")
        assert "\n".join(f"    {line}".rstrip() for line in code.splitlines()) in ran.out


def test_scenes_are_listed(run: Callable) -> None:
    lines = run("demo", "--list").out.splitlines()
    assert lines[0] == "name\ttitle"
    assert [line.split("\t")[0] for line in lines[1:]] == [scene.name for scene in SCENES]


def test_a_terminal_gets_the_programs_in_colour_and_enter_goes_on(run: Callable) -> None:
    ran = run("demo", "--auto", "--scene", "hello", terminal=True, environ={"TERM": "xterm"})
    assert "\x1b[" in ran.out
    assert "Enter goes on" not in ran.out
    plain = run("demo", "--auto", "--scene", "hello", terminal=True, environ={"TERM": "xterm", "NO_COLOR": "1"})
    assert not re.search(r"\x1b\[[\d;]*3\dm", plain.out)
    assert "import pika" in re.sub(r"\x1b\[[\d;]*m", "", plain.out)


@pytest.mark.parametrize("size", [(80, 24), (40, 20)])
@pytest.mark.parametrize("name", ["hello", "forgotten-acks", "publish-subscribe"])
def test_nothing_is_wider_than_the_terminal(
    run: Callable, monkeypatch: pytest.MonkeyPatch, name: str, size: tuple[int, int]
) -> None:
    monkeypatch.setenv("COLUMNS", str(size[0]))
    monkeypatch.setenv("LINES", str(size[1]))
    ran = run("demo", "--auto", "--scene", name, terminal=True, environ={"TERM": "xterm"})
    assert ran.exit == 0
    plain = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", ran.out)
    assert [line for line in plain.splitlines() if cell_len(line) > size[0]] == []


def test_b_plays_the_scene_before_and_s_skips_to_the_next(run: Callable) -> None:
    ran = run("demo", "--scene", "hello", "--scene", "dying-worker", terminal=True, stdin="s\nb\nS\n")
    plain = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", ran.out)
    assert re.findall(r"━ (\d/2) ", plain) == ["1/2", "2/2", "1/2", "2/2"]
    assert "Enter goes on, b back, s skip" in plain
    assert "Worker 2 has it now" in plain  # the end of the input waits for nobody


def test_the_programs_are_saved_and_run_as_they_are(run: Callable, tmp_path: Path) -> None:
    folder = tmp_path / "a b"
    ran = run("demo", "--save", str(folder), terminal=True)
    assert ran.exit == 0
    assert f"python '{folder}/send.py'" in " ".join(ran.err.split())
    saved = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    assert saved == {path.name: path.read_text(encoding="utf-8") for path in PROGRAMS.glob("*.py")}
    assert all('os.environ.get("AMQP_URL", "amqp://localhost")' in text for text in saved.values())
    with EmbeddedBroker() as broker:
        sent = subprocess.run(
            [sys.executable, folder / "send.py"],
            env={**os.environ, "AMQP_URL": broker.amqp_url},
            capture_output=True,
            text=True,
            timeout=30,
        )
    assert (sent.returncode, sent.stdout) == (0, " [x] Sent 'Hello World!'\n")


def test_a_program_that_the_user_changed_is_not_overwritten(run: Callable, tmp_path: Path) -> None:
    assert run("demo", "--save", str(tmp_path)).exit == 0
    assert run("demo", "--save", str(tmp_path)).exit == 0
    (tmp_path / "worker.py").write_text("mine")
    (tmp_path / "send.py").unlink()
    ran = run("demo", "--save", str(tmp_path))
    assert ran.exit == 64
    assert f"{tmp_path}/worker.py is there already" in ran.err
    assert not (tmp_path / "send.py").exists()
    assert run("demo", "--save", str(tmp_path), "--auto").exit == 64
