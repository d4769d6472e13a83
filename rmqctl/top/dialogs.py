"""What stands in front of the view for a moment: a question, columns to choose, messages, and the keys."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static

from rmqctl.output.escape import visible
from rmqctl.top import looks
from rmqctl.top.tabs import Field


class Confirm(ModalScreen[bool]):
    """A question. `word`: what has to be typed to agree, None for the key y."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,Y", "agree"),
        Binding("n,N,escape,q,enter", "refuse"),
        Binding("ctrl+c", "app.end(130)", priority=True),
    ]

    def __init__(self, question: str, word: str | None) -> None:
        super().__init__()
        self._question = question
        self._word = word

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(Content(visible(self._question)))
            if self._word is None:
                yield Static(Content("y yes   n no"), classes="keys")
            else:
                yield Static(
                    Content(f"The context is protected: type {visible(repr(self._word))} to go on, or Esc"),
                    classes="keys",
                )
                yield Input(compact=True)

    def action_agree(self) -> None:
        if self._word is None:
            self.dismiss(True)

    def action_refuse(self) -> None:
        self.dismiss(False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value == self._word)


class Columns(ModalScreen[set[str] | None]):
    """Which columns are shown: the names of the ticked ones, None when nothing is to change."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", priority=True),
        Binding("space", "tick"),
        Binding("escape,q", "leave"),
        Binding("ctrl+c", "app.end(130)", priority=True),
    ]

    def __init__(self, fields: Sequence[Field], ticked: set[str]) -> None:
        super().__init__()
        self._fields = fields
        self._ticked = set(ticked)
        self._list = OptionList(*map(self._line, fields), compact=True)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield self._list
            yield Static(Content("Space tick  Enter show  Esc close"), classes="keys")

    def _line(self, field: Field) -> Content:
        tick = "✓" if field.name in self._ticked else " "
        # Two columns of nodes have the same heading.
        name = field.title if field.title == field.name else f"{field.title}  ({field.name})"
        return Content(f"{tick} {name}")

    def tick(self, at: int) -> None:
        """The other way round."""
        self._ticked ^= {self._fields[at].name}
        self._list.replace_option_prompt_at_index(at, self._line(self._fields[at]))

    def action_tick(self) -> None:
        if self._list.highlighted is not None:
            self.tick(self._list.highlighted)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A line was clicked."""
        self.tick(event.option_index)

    def action_take(self) -> None:
        self.dismiss(self._ticked)

    def action_leave(self) -> None:
        self.dismiss(None)


class Publish(ModalScreen[tuple[str, str] | None]):
    """The routing key and the payload of a message. `key` None: it has to be typed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave"),
        Binding("ctrl+c", "app.end(130)", priority=True),
    ]

    def __init__(self, what: str, key: str | None) -> None:
        super().__init__()
        self._what = what
        self._given = key
        self._key = Input(compact=True, placeholder="routing key")
        self._payload = Input(compact=True, placeholder="payload")

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(Content(f"Publish a message to {visible(self._what)}"))
            if self._given is None:
                yield self._key
            yield self._payload
            yield Static(Content("Enter publishes   Esc closes"), classes="keys")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.input is self._key:
            self._payload.focus()
            return
        self.dismiss((self._key.value if self._given is None else self._given, self._payload.value))

    def action_leave(self) -> None:
        self.dismiss(None)


class Messages(ModalScreen[None]):
    """Lines to read."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter,m", "close"),
        Binding("ctrl+c", "app.end(130)", priority=True),
    ]

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__()
        self._lines = lines

    def compose(self) -> ComposeResult:
        first, *rest = self._lines
        with VerticalScroll(classes="dialog"):
            yield Static(
                Content.assemble((visible(first), looks.STRONG), *(f"\n{visible(line)}" for line in rest)),
            )
            yield Static(Content("Esc closes"), classes="keys")

    def action_close(self) -> None:
        self.dismiss()


HELP = """\
1 to 6    queues, connections, channels, nodes, exchanges, consumers
Tab       the next of them
↑ ↓ j k   move; PgUp PgDn, Home End (g G) by pages and to the ends
Enter     open: a chart, all fields, bindings, consumers, who holds
          messages; again: a connection's channels, a channel's
          connection, a consumer's channel
Esc       back to where you came from; in a list: ends the filter
:         go to a virtual host; Tab completes, empty means all

/         filter, as you type: a regular expression for names, or
          = and an expression: =unacked > 0 and name ~ "^orders"
          (the columns here and those of list_queues and the like)
s         sort by the next column; < and > choose it; r reverses
f         choose the columns of the tab

m         look at the queue's messages: they stay in it
n         publish a message to the queue or exchange
p         purge the queue       d   delete the queue
c         close the connection (of the channel, of the consumer)

u         ask now               ?   these keys
q         quit

mouse     a click opens a row, sorts by a heading, chooses a tab;
          the wheel moves; hold Shift to select text

red       somebody holds messages and does not acknowledge them:
  stuck     its prefetch is full      forgets  it has room left
  got       basic.get without ack     tx open  no tx.commit
  loop      rejects, gets again       no qos   1,000 and no prefetch\
"""


class Help(ModalScreen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter,question_mark,f1,space", "close"),
        Binding("ctrl+c", "app.end(130)", priority=True),
    ]

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog"):
            yield Static(Content(HELP))

    def action_close(self) -> None:
        self.dismiss()
