"""Cells that stand out on a terminal: a text with a look of its own."""


class Marked(str):
    """The text of a cell. `look`: numbers of ANSI's SGR with semicolons between them, "" for none."""

    __slots__ = ("look",)
    look: str

    @classmethod
    def of(cls, text: str, look: str) -> "Marked":
        marked = cls(text)
        marked.look = look
        return marked


class MarkedNumber(Marked):
    """The same for a number: it stands to the right and is never cut."""

    __slots__ = ()


MARKED = frozenset((Marked, MarkedNumber))
