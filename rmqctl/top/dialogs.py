"""What stands in front of the view for a moment: a question, and the keys."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from rmqctl.output.escape import visible


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


HELP = """\
1 to 6    queues, connections, channels, nodes, exchanges, consumers
Tab       the next of them
↑ ↓ j k   move; PgUp PgDn, Home End (g G) by pages and to the ends
Enter     open: all fields, bindings, consumers, who holds messages
Esc       back; without an open object: no filter

/         filter, as you type: a regular expression for names, or
          = and an expression: =unacked > 0 and name ~ "^orders"
          (the columns here and those of list_queues and the like)
s         sort by the next column; < and > choose it; r reverses

p         purge the queue       d   delete the queue
c         close the connection (of the channel, of the consumer)

u         ask now               ?   these keys
q         quit

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
