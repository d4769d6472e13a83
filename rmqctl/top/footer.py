"""The last line, when there is no news: the keys that do something now, as many as there is room for."""

from collections.abc import Sequence

from rmqctl.top import changes

GAP = "  "
ENTRY_OF_VHOST = "Enter go there  Tab complete  Esc close"
_ALWAYS = ("? keys", "q quit")
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
    return _fitted(moves.split(GAP), can.split(GAP) if can else [], width)


def _fitted(moves: Sequence[str], can: Sequence[str], width: int) -> str:
    """In a line: the moves give way first, then what changes something; help lists them all."""
    offered = [(moves[:count], can) for count in range(len(moves), 0, -1)]
    offered += [(moves[:1], can[:count]) for count in range(len(can) - 1, -1, -1)]
    lines = [GAP.join((*some, *others, *_ALWAYS)) for some, others in offered]
    return next((line for line in lines if len(line) <= width), lines[-1])
