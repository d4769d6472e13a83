"""What README.md and docs/ say that a command prints is what it prints."""

import pytest

from .consoles import ANY_ORDER, BEFORE, Block, blocks, documents, run, same

BLOCKS = [block for path in documents() for block in blocks(path)]


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_console_block_is_what_comes_out(block: Block) -> None:
    for (command, shown), came in zip(block.typed, run(block), strict=True):
        if (block.file, block.number) in ANY_ORDER:
            shown, came = sorted(shown), sorted(came)
        assert same(shown, came), "\n".join([f"$ {command}", *came, "", "is shown as", "", *shown])


def test_whatever_is_done_before_a_block_has_its_block() -> None:
    assert set(BEFORE) <= {(block.file, block.number) for block in BLOCKS}


@pytest.mark.parametrize(
    ("shown", "came", "equal"),
    [
        (["a", "..."], ["a", "b", "c"], True),
        (["a", "...", "c"], ["a", "c"], True),
        (["a"], ["a", "b"], False),
        ([], ["a"], False),
        (["1 ready"], ["2 ready"], False),
        (["0.81 ms, pid 5"], ["1.3 ms, pid 77"], True),
    ],
)
def test_what_counts_as_equal(shown: list[str], came: list[str], equal: bool) -> None:
    assert same(shown, came) is equal
