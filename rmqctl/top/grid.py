"""The table: draws the lines that can be seen and no others, so that 10,000 rows cost as much as 20."""

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Click, MouseEvent, MouseScrollDown, MouseScrollUp
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from rmqctl.resources.column import Object
from rmqctl.top.tabs import FINDING, GAP, Field, Key, Look, Tab, fitting

_HEADING = Style(bold=True, dim=True)
_SORTED = Style(bold=True, underline=True)
_STALE = Style(dim=True)
_CURSOR = Style(reverse=True)
_FOUND = Style(color="red", bold=True)
WHEEL = 3
"""Rows that a turn of the wheel moves by."""
_LOOKS = {Look.NOTABLE: Style(color="yellow", bold=True), Look.ALARMING: _FOUND}


class Grid(ScrollView, can_focus=True):
    """Rows of one tab with a cursor. On the first row the cursor stays there; else it follows its object."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)"),
        Binding("down,j", "move(1)"),
        Binding("pageup", "page(-1)"),
        Binding("pagedown", "page(1)"),
        Binding("home,g", "first"),
        Binding("end,G", "last"),
        Binding("enter", "open"),
    ]

    class Opened(Message):
        """Enter was pressed on a row, or the row was clicked."""

        def __init__(self, item: Object) -> None:
            super().__init__()
            self.item = item

    class Sorted(Message):
        """The heading of this field was clicked."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self, tab: Tab) -> None:
        super().__init__()
        self._tab = tab
        self._rows: Sequence[Object] = ()
        self._fields: Sequence[Field] = ()
        self._sorted = ""
        self._descending = False
        self._stale = False
        self._cursor = 0
        self._key: Key | None = None

    @property
    def item(self) -> Object | None:
        """The row under the cursor."""
        return self._rows[self._cursor] if self._rows else None

    def show(self, tab: Tab, rows: Sequence[Object], fields: Sequence[Field], order: str, *, descending: bool) -> None:
        if tab is not self._tab:
            self._cursor, self._key = 0, None
        self._tab, self._rows, self._fields = tab, rows, fields
        self._sorted, self._descending = order, descending
        self._cursor = self._found()
        self.virtual_size = Size(0, len(rows) + 1)
        self._keep_in_view()
        self.refresh()

    def set_stale(self, *, stale: bool) -> None:
        """Greys the rows that are of the past."""
        if stale is not self._stale:
            self._stale = stale
            self.refresh()

    def to_top(self) -> None:
        self._place(0)

    def _found(self) -> int:
        """Where the object that the cursor was on is now; where the cursor was if it has gone."""
        if self._key is not None:
            for at, row in enumerate(self._rows):
                if self._tab.key(row) == self._key:
                    return at
        return min(self._cursor, max(0, len(self._rows) - 1))

    def _place(self, at: int) -> None:
        self._cursor = max(0, min(at, len(self._rows) - 1))
        self._key = self._tab.key(self._rows[self._cursor]) if self._cursor else None
        self._keep_in_view()
        self.refresh()

    @property
    def _page(self) -> int:
        return max(1, self.scrollable_content_region.height - 1)

    def _keep_in_view(self) -> None:
        top = round(self.scroll_offset.y)
        if self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False, immediate=True)
        elif self._cursor >= top + self._page:
            self.scroll_to(y=self._cursor - self._page + 1, animate=False, immediate=True)

    def action_move(self, by: int) -> None:
        self._place(self._cursor + by)

    def action_page(self, by: int) -> None:
        self._place(self._cursor + by * self._page)

    def action_first(self) -> None:
        self._place(0)

    def action_last(self) -> None:
        self._place(len(self._rows) - 1)

    def action_open(self) -> None:
        if self.item is not None:
            self.post_message(self.Opened(self.item))

    # The mouse

    def on_click(self, event: Click) -> None:
        """On a row opens it, on a heading sorts by it."""
        if event.y == 0:
            if (field := self._field_at(event.x)) is not None and field.sortable:
                self.post_message(self.Sorted(field.name))
            return
        at = round(self.scroll_offset.y) + event.y - 1
        if at < len(self._rows):
            self._place(at)
            self.action_open()

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        self._wheel(event, WHEEL)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        self._wheel(event, -WHEEL)

    def _wheel(self, event: MouseEvent, by: int) -> None:
        """Moves the cursor: the table is scrolled to where that is."""
        event.stop()
        event.prevent_default()
        self._place(self._cursor + by)

    def _field_at(self, x: int) -> Field | None:
        end = 0
        for field, width in fitting(self._fields, self.scrollable_content_region.width):
            end += width + GAP
            if x < end:
                return field
        return None

    # Drawing

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        placed = fitting(self._fields, width)
        segments: list[Segment] = []
        at = round(self.scroll_offset.y) + y - 1
        if y == 0:
            segments = [segment for field, size in placed for segment in self._heading(field, size)]
        elif at < len(self._rows):
            segments = self._line(self._rows[at], placed, at == self._cursor)
        return Strip(segments).adjust_cell_length(width).apply_style(self.rich_style)

    def _heading(self, field: Field, width: int) -> list[Segment]:
        is_sorted = field.name == self._sorted
        arrow = ("▼" if self._descending else "▲") if is_sorted else " "
        return [
            Segment(_placed(field.title, field, width), _SORTED if is_sorted else _HEADING),
            Segment(arrow, _HEADING),
        ]

    def _line(self, row: Object, placed: Sequence[tuple[Field, int]], under_cursor: bool) -> list[Segment]:
        whole = Style.null()
        for style, holds in ((_FOUND, FINDING in row), (_STALE, self._stale), (_CURSOR, under_cursor)):
            whole += style if holds else Style.null()
        segments = []
        for field, width in placed:
            value = self._tab.reader(field)(row)
            style = whole + _LOOKS[field.look] if value and field.look in _LOOKS and not self._stale else whole
            shown = field.show(value[-width:] if field.grows and value else value)
            segments.append(Segment(_placed(shown, field, width), style))
            segments.append(Segment(" " * GAP, whole))
        return segments


def _placed(text: str, field: Field, width: int) -> str:
    """The text in a cell of that width: cut with an ellipsis, numbers to the right."""
    if text.isascii():
        if len(text) > width:
            return text[: width - 1] + "…"
        return text.rjust(width) if field.right else text.ljust(width)
    size = cell_len(text)
    if size > width:
        return set_cell_size(text, width - 1) + "…"
    padding = " " * (width - size)
    return padding + text if field.right else text + padding
