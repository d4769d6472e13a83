"""The command table: names, where each lives, and one line of help. Imports nothing, so that one command loads one module.

A name with a space is a command of a group (`show queue`). The function has the same name with underscores.
"""

from typing import NamedTuple


class Entry(NamedTuple):
    """`module` below rmqctl.commands; `changes`: refused in a read-only context."""

    module: str
    group: str
    help: str
    changes: bool = False


COMMANDS: dict[str, Entry] = {
    "list_queues": Entry("queues", "Lists", "Queues with their message counts."),
}
