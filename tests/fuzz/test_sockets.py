"""Hostile sockets for some seconds: an innocent client beside does not notice."""

from pathlib import Path

from tests.fuzz.sockets import run


def test_an_innocent_client_beside_hostile_ones(tmp_path: Path) -> None:
    verdict = run(tmp_path / "broker", seed=1, hostile=20, seconds=8)
    assert not verdict.problems, verdict
