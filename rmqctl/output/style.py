"""How to write: the part of the session that formatters may know."""

from rmqctl.record import Record


class Style(Record):
    """Facts for a formatter.

    `header`: print the header line (table formatters). `pad_to_header`: pad cells to the header's length, as
    rabbitmqctl's switch of that name. `color`: ANSI styles allowed. `width`: columns of the terminal, None when
    stdout is no terminal (then nothing is shortened). `continued`: these rows follow others that were written, so that
    their header is there.
    """

    header: bool = True
    pad_to_header: bool = False
    color: bool = False
    width: int | None = None
    continued: bool = False

    @property
    def painted(self) -> bool:
        """Whether --color always asks for colours in a pipe: on a terminal the formats for programs have none."""
        return self.color and self.width is None

    @property
    def heading(self) -> bool:
        """Whether to write the header line."""
        return self.header and not self.continued
