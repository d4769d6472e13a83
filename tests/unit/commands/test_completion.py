"""Completion scripts: printed, or written where the shell looks for them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ..conftest import Ran

Run = Callable[..., Ran]

ROOT = Path(__file__).parents[3]
FILES = {"bash": "rmqctl.bash", "zsh": "_rmqctl", "fish": "rmqctl.fish", "powershell": "rmqctl.ps1"}
TARGETS = {
    "bash": "bash-completion/completions/rmqctl",
    "zsh": "zsh/site-functions/_rmqctl",
    "fish": "fish/completions/rmqctl.fish",
    "powershell": "rmqctl/rmqctl.ps1",
}


@pytest.mark.parametrize("shell", FILES)
def test_the_script_is_printed(run: Run, shell: str) -> None:
    ran = run("completion", shell)
    assert (ran.exit, ran.err) == (0, "")
    assert ran.out == (ROOT / "completions" / FILES[shell]).read_text()


@pytest.mark.parametrize("shell", FILES)
def test_it_is_installed_for_the_user(run: Run, tmp_path: Path, shell: str) -> None:
    environ = {"XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    target = tmp_path / TARGETS[shell]

    def install() -> tuple[str, str]:
        ran = run("completion", shell, "--install", environ=environ)
        assert (ran.exit, ran.err) == (0, "")
        first, _, rest = ran.out.partition("\n")
        return first, rest

    written, step = install()
    assert written == f"{target}: written"
    assert "new shell" in step
    assert target.read_text() == (ROOT / "completions" / FILES[shell]).read_text()
    assert install() == (f"{target}: up to date", step)
    target.write_text("of an older release")
    assert install() == (f"{target}: updated", step)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [target]


def test_a_folder_that_is_none_is_said(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bash-completion").touch()
    ran = run("completion", "bash", "--install", environ={"XDG_DATA_HOME": str(tmp_path)})
    assert ran.exit == 78
    assert ran.err.startswith(f"rmqctl: {tmp_path}/bash-completion/completions/rmqctl could not be written: ")


def test_an_unknown_shell_is_refused(run: Run) -> None:
    ran = run("completion", "tcsh")
    assert ran.exit == 64
    assert "'bash', 'zsh', 'fish', 'powershell'" in ran.err
