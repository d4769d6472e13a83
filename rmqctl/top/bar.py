"""The line with the tabs, or with what is open. Clicks on it are keys."""

from typing import Any

from rich.cells import cell_len
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widgets import Static

from rmqctl.output.escape import visible
from rmqctl.top import looks
from rmqctl.top.tabs import TABS, Tab

GAP = "  "


class Bar(Static):
    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    class Left(Message):
        """The name of what is open was clicked."""

    def __init__(self) -> None:
        super().__init__(id="tabs")
        self._open = False

    def show_tabs(self, current: Tab) -> None:
        self._open = False
        parts: list[Any] = []
        for label, tab in zip(_LABELS, TABS, strict=True):
            parts += [(label, "reverse" if tab is current else ""), GAP]
        self.update(Content.assemble(*parts))

    def show_open(self, text: str) -> None:
        self._open = True
        self.update(Content.styled(visible(text), looks.STRONG))

    def on_click(self, event: Click) -> None:
        if self._open:
            self.post_message(self.Left())
            return
        start = 0
        for number, label in enumerate(_LABELS):
            if start <= event.x < start + cell_len(label):
                self.post_message(self.Chosen(number))
            start += cell_len(label + GAP)


_LABELS = [f"{number} {tab.title}" for number, tab in enumerate(TABS, 1)]
