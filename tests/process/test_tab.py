"""Tab, pressed in the shells themselves, after the wheel was installed into a fresh environment."""

import os
import pty
import select
import shutil
import site
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECONDS = 30
RC = {"bash": ".bashrc", "zsh": ".zshrc", "fish": ".config/fish/config.fish"}
# What Enter runs instead of rmqctl: it shows the words that the line came to. Completion asks the real one.
SHOWN = {
    "bash": 'rmqctl() { if [ "$1" = __complete ]; then command rmqctl "$@"; else printf "<%s>\\n" "$*"; fi; }\n',
    "fish": 'function rmqctl\n  test "$argv[1]" = __complete; and command rmqctl $argv; or echo "<$argv>"\nend\n',
}
BASH_COMPLETION = Path("/usr/share/bash-completion/bash_completion")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs of an environment that has the wheel; the rest comes from the environment of the tests."""
    folder = tmp_path_factory.mktemp("installed")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "-q")
    build = ("wheel", "--no-deps", "--no-build-isolation", "-w", folder, ROOT)
    subprocess.run([*pip, *build], check=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    python = folder / "venv" / "bin" / "python"
    subprocess.run([*pip, "--python", python, "install", "--no-deps", *folder.glob("*.whl")], check=True)
    [packages] = (folder / "venv").glob("lib/python*/site-packages")
    (packages / "needed.pth").write_text("\n".join(site.getsitepackages()))
    return python.parent


Press = Callable[[str], str]


@pytest.fixture(params=["bash", "zsh", "fish"])
def press(request: pytest.FixtureRequest, installed: Path, tmp_path: Path) -> Iterator[Press]:
    """Types a line in the shell, then Tab and Enter; returns the line's words. Completion was installed as rmqctl says."""
    shell: str = request.param
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    environ = {
        "HOME": str(tmp_path),
        "PATH": f"{installed}:/usr/bin:/bin",
        "TERM": "xterm",
        "LC_ALL": "C.UTF-8",
        "RMQCTL_URL": "http://127.0.0.1:1",
    }

    def rmqctl(*words: str) -> str:
        return subprocess.run(["rmqctl", *words], env=environ, check=True, stdout=subprocess.PIPE, text=True).stdout

    lines = [line[2:] for line in rmqctl("completion", shell, "--install").splitlines() if line.startswith("  ")]
    if shell == "bash" and BASH_COMPLETION.exists():
        lines = [f"source {BASH_COMPLETION}"]
    rmqctl("context", "add", "dev", "--url", "http://127.0.0.1:1")
    start_up = tmp_path / RC[shell]
    start_up.parent.mkdir(parents=True, exist_ok=True)
    quiet = "set -g fish_greeting\nset -g fish_autosuggestion_enabled 0\n" if shell == "fish" else ""
    start_up.write_text("".join(f"{line}\n" for line in lines) + quiet + SHOWN.get(shell, SHOWN["bash"]))

    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.execvpe(shell, [shell, "-i"], environ)
    seen = bytearray()

    def until(text: bytes) -> bytes:
        end = time.monotonic() + SECONDS
        while text not in seen:
            if not select.select([terminal], [], [], max(0, end - time.monotonic()))[0]:
                pytest.fail(f"{shell} does not show {text!r}: {bytes(seen)!r}")
            seen.extend(os.read(terminal, 4096))
        before, _, after = bytes(seen).partition(text)
        seen[:] = after
        return before

    def typed(line: str) -> str:
        os.write(terminal, f"rmqctl {line}\t".encode())
        time.sleep(0.3)  # a key that is pressed at once would end what Tab has begun
        os.write(terminal, b"\r")
        until(b"<")
        return until(b">").decode().strip()

    os.write(terminal, b"echo re''ady\r")
    until(b"ready")
    yield typed
    os.close(terminal)
    os.waitpid(pid, 0)


def test_tab(press: Press) -> None:
    lines = {
        "list_que": "list_queues",
        "demo list_exch": "demo list_exchanges",
        "demo show exch": "demo show exchange",
        "list_queues --form": "list_queues --formatter",
        "list_queues messages_unacknowledged_r": "list_queues messages_unacknowledged_ram",
        "-C d": "-C dev",
        "context use d": "context use dev",
        "definitions diff d": "definitions diff dev",
        "completion power": "completion powershell",
        "start_ap": "start_ap",
    }
    assert {line: press(line) for line in lines} == lines
