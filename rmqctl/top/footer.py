"""The last line, when there is no news: the keys that do something now, as many as there is room for."""

from collections.abc import Sequence

from rmqctl.top import changes

ENTRY_OF_VHOST = "Enter go there  Tab complete  Esc close"
_IN_LIST = "Enter open  / filter  : vhost  s sort  f columns"
_IN_OPEN = {
    "connections": "Esc back  Enter channels",
    "channels": "Esc back  Enter connection",
    "consumers": "Esc back  Enter channel",
}
"""What Enter does in an open object, by its tab."""


def keys(noun: str, width: int, *, is_open: bool, read_only: bool) -> str:
    moves = _IN_OPEN.get(noun, "Esc back") if is_open else _IN_LIST
    can = "" if read_only else changes.KEYS.get(noun, "")
    return _fitted((moves, can, "? keys", "q quit"), width)


def _fitted(parts: Sequence[str], width: int) -> str:
    """The parts in a line; the moves give way when there is no room for all."""
    moves, *others = parts
    line = "  ".join(filter(None, parts))
    while len(line) > width and "  " in moves:
        moves = moves.rpartition("  ")[0]
        line = "  ".join(filter(None, (moves, *others)))
    return line
