"""Every scene runs to its end, and shows what it says."""

import re
from collections.abc import Callable

import pytest

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
    "forgotten-acks": [r"^task_queue\t0\t3$", r"\(1\)\t1\t3$", r"^\$ kill -9 \d+", r"^task_queue\t3\t0$"],
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
