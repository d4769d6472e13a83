"""The recorded rights are still those of the real node: every eleventh line of the recording, which meets every method.

HEAD is not recorded: it is answered as GET is, where it is allowed.
"""

import contextlib
from itertools import islice
from pathlib import Path

from . import rights
from .brokers import running_node

RECORDED = rights.from_text(
    Path(__file__).parents[1].joinpath("recordings", "4.3.6", "rights.txt").read_text(encoding="utf-8")
)


def test_the_recording_is_what_a_node_answers() -> None:
    with running_node("43") as real, contextlib.closing(rights.Node(real.url, real.port("amqp"))) as node:
        rights.remove(node)
        rights.build(node)
        try:
            for line, by_caller in rights.answers(node, islice(RECORDED, 0, None, 11)):
                assert by_caller == RECORDED[line], line
            for line, caller, status in islice(rights.heads(RECORDED), 0, None, 61):
                # RabbitMQ crashes at some of what it has to refuse.
                assert rights.answer(node, line, caller).startswith((status, "500")), (line, caller)
        finally:
            rights.remove(node)
