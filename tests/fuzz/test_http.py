"""Some thousand requests with fixed seeds; see `tests.fuzz.http` for many more."""

import pytest

from .http import run


@pytest.mark.parametrize("seed", range(4))
def test_no_request_breaks_an_answer(seed: int) -> None:
    statuses = run(seed, 2500)
    assert statuses.total() == 2500
    assert {200, 201, 204, 400, 401, 403, 404, 405} <= set(statuses)
