"""The figure that everything else adds up to; this module is the last of the release to run."""

from .brokers import Node
from .compare import Score

ENOUGH = 0.995


def test_share_of_equal_cells(busy: Node, score: Score) -> None:
    print(f"{busy.key}: {100 * score.share:.3f} % of {score.served} cells are equal to rabbitmqctl's")
    assert score.served, "run with test_lists.py"
    assert score.share >= ENOUGH, "\n".join(map(str, score.unequal))
