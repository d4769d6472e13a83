"""The last line: as many keys as there is room for, and always those for help and the end."""

import pytest

from rmqctl.top import footer


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (
            200,
            "Enter open  / filter  : vhost  s sort  f columns  m messages  n publish  p purge  d delete  ? keys  q quit",
        ),
        (80, "Enter open  / filter  m messages  n publish  p purge  d delete  ? keys  q quit"),
        (40, "Enter open  m messages  ? keys  q quit"),
        (10, "Enter open  ? keys  q quit"),
    ],
)
def test_moves_give_way_first_and_help_never(width: int, line: str) -> None:
    assert footer.keys("queues", width, is_open=False, read_only=False) == line


def test_a_read_only_context_offers_no_changes() -> None:
    assert footer.keys("channels", 80, is_open=True, read_only=True) == "Esc back  Enter connection  ? keys  q quit"
