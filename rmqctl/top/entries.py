"""The lines that take text above the last one: the filter, and the virtual host to go to."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.suggester import SuggestFromList
from textual.widgets import Input


class FilterEntry(Input):
    def __init__(self) -> None:
        super().__init__(id="filter", compact=True, placeholder="regular expression for names, or =expression")


class VhostEntry(Input):
    """Names are completed by Tab and the right arrow."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab", "complete")]

    def __init__(self) -> None:
        super().__init__(id="vhost", compact=True, placeholder="virtual host; empty: all")

    def know(self, names: Sequence[str]) -> None:
        self.suggester = SuggestFromList(names, case_sensitive=True)
        # The suggestion for what has been typed already.
        self.run_worker(self.suggester._get_suggestion(self, self.value))

    def action_complete(self) -> None:
        self.action_end()
        self.action_cursor_right()
