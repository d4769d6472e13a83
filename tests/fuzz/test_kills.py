"""Some kills of a broker at work, and that what a broker would lose or tell too early is found."""

import sys
from pathlib import Path

import pytest

from tests.fuzz import kills

_FAULTY = "import runpy, sys; sys.argv[0] = 'rmqctl'; runpy.run_module('rmqctl', run_name='__main__')"
# Kills until a fault is found.
_PATIENCE = 40
_CONFIRMS_TOO_EARLY = """
from rmqctl.broker.storage.store import Store
write = Store._write
def confirm_and_write(self, batch):
    self.committed(batch.number)
    write(self, batch)
Store._write = confirm_and_write
"""
_FORGETS_WHAT_IS_ACKNOWLEDGED_NEVER = """
from rmqctl.broker.storage.batches import Changes
Changes._remove = lambda self, identity: self._added.pop(identity, None)
"""


def test_what_was_told_holds_after_kills(tmp_path: Path) -> None:
    verdict = kills.run(tmp_path, seed=1, count=10)
    assert not verdict.problem
    assert verdict.kills.total() >= 10
    for what in ("confirmed", "messages", "things", "forgotten", "purged", "delivered", "answers over HTTP"):
        assert verdict.seen[what], verdict.seen


@pytest.mark.parametrize("fault", [_CONFIRMS_TOO_EARLY, _FORGETS_WHAT_IS_ACKNOWLEDGED_NEVER], ids=["early", "never"])
def test_a_fault_is_found(fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kills, "RMQCTL", (sys.executable, "-c", fault + _FAULTY))
    verdict = kills.run(tmp_path, seed=1, count=_PATIENCE)
    assert "is lost from" in verdict.problem or "unknown" in verdict.problem, verdict
