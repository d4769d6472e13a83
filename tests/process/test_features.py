"""docs/features.md: generated, and about commands that there are."""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from rmqctl.commands import COMMANDS

ROOT = Path(__file__).parents[2]
ROWS: list[dict[str, Any]] = [
    row
    for section in tomllib.loads((ROOT / "docs" / "features.toml").read_text(encoding="utf-8"))["section"]
    for row in section["row"]
]


def test_the_page_is_up_to_date() -> None:
    assert subprocess.run([sys.executable, ROOT / "scripts" / "features", "--check"], check=False).returncode == 0


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["feature"])
def test_what_any_other_tool_does_is_shown_or_explained(row: dict[str, Any]) -> None:
    assert set(row["others"]) == {"ctl", "v1", "v2", "rabtap"}
    assert {row["rmqctl"], *row["others"].values()} <= {"y", "p", "n"}
    if row["rmqctl"] == "y":
        assert row["command"].startswith("rmqctl ")
    else:
        assert row["why"]


@pytest.mark.parametrize("row", [row for row in ROWS if "command" in row], ids=lambda row: row["feature"])
def test_the_command_is_one_of_ours(row: dict[str, Any]) -> None:
    words = shlex.split(re.split(r"[|;<]", row["command"])[0])[1:]
    entry = COMMANDS.get(" ".join(words[:2])) or COMMANDS[words[0]]
    assert entry.module != "only_on_node"
