"""The screen: header, tabs, the table or one object of it, and a line for keys and news."""

import asyncio
import signal
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, NamedTuple

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.filter import NoColor
from textual.message import Message
from textual.widgets import Input, Static

from rmqctl.errors import NotFound, UsageError
from rmqctl.output.escape import visible, visible_lines
from rmqctl.resources.column import Object
from rmqctl.signals import handlers_kept
from rmqctl.top import changes, details, header, looks
from rmqctl.top.dialogs import Confirm, Help
from rmqctl.top.grid import Grid
from rmqctl.top.poller import Failure, Poller, attempted
from rmqctl.top.rows import Filter, filter_of, shown
from rmqctl.top.source import Question, Sample, Source
from rmqctl.top.tabs import FINDING, TABS, Field, Tab, fitting

INTERRUPTED = 130
NEWS_SECONDS = 8.0


class Surroundings(NamedTuple):
    """What the context and the terminal allow. `context`: its name, for texts."""

    context: str | None = None
    read_only: bool = False
    protected: bool = False
    color: bool = True


@dataclass
class View:
    """How a tab is looked at."""

    tab: Tab
    order: str
    descending: bool
    filter: Filter | None = None

    @classmethod
    def of(cls, tab: Tab) -> "View":
        return cls(tab, tab.order, tab.descending)


class Top(App[int]):
    TITLE = "rmqctl top"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Grid, #one { height: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden; }
    #one { display: none; }
    #header, #tabs, #keys { text-wrap: nowrap; text-overflow: ellipsis; }
    #keys.news { text-wrap: wrap; height: auto; max-height: 4; text-style: bold; }
    #troubles { max-height: 4; }
    #tabs { height: 1; }
    #keys { height: 1; color: ansi_default; text-style: dim; }
    #filter { display: none; height: 1; border: none; }
    Confirm, Help { align: center middle; }
    .dialog { width: 76; max-width: 100%; height: auto; max-height: 100%; border: round ansi_cyan; padding: 0 1; }
    .dialog .keys { margin-top: 1; text-style: bold; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(number), f"tab({number - 1})") for number in range(1, len(TABS) + 1)),
        Binding("tab", "next_tab", priority=True),
        # With priority, so that keys typed right behind it are the filter's and start nothing.
        Binding("slash", "filter", priority=True),
        Binding("s,>,greater_than_sign", "sort(1)"),
        Binding("<,less_than_sign", "sort(-1)"),
        Binding("r", "reverse"),
        Binding("u", "wake"),
        Binding("p", "change('purge')"),
        Binding("d", "change('delete')"),
        Binding("c", "change('close')"),
        Binding("question_mark,f1", "help"),
        Binding("escape", "leave"),
        Binding("ctrl+z", "suspend_process"),
        Binding("q", "end(0)"),
        Binding("ctrl+c", f"end({INTERRUPTED})", priority=True),
    ]

    class Answered(Message):
        def __init__(self, answer: Sample | Failure) -> None:
            super().__init__()
            self.answer = answer

    class News(Message):
        """A line for the user, from any thread. `changed`: the broker has changed something for us."""

        def __init__(self, text: str, *, changed: bool = False) -> None:
            super().__init__()
            self.text = text
            self.changed = changed

    def __init__(self, source: Source, interval: float, surroundings: Surroundings) -> None:
        super().__init__(ansi_color=True)
        self.theme = "ansi-dark"
        if not surroundings.color:
            self._filters.append(NoColor())
        self._source = source
        self._interval = interval
        self._surroundings = surroundings
        self._views = [View.of(tab) for tab in TABS]
        self._view = self._views[0]
        self._item: Object | None = None
        self._sample: Sample | None = None
        self._rows: Sequence[Object] = ()
        self._shown: Sequence[Object] = ()
        self._failure: Failure | None = None
        self._series = header.Series()
        self._news = ""
        self._head = Static(id="header")
        self._troubles = Static(id="troubles")
        self._tabs = Static(id="tabs")
        self._grid = Grid(self._view.tab)
        self._text = Static()
        self._one = VerticalScroll(self._text, id="one")
        self._entry = Input(id="filter", compact=True, placeholder="regular expression for names, or =expression")
        self._keys = Static(id="keys")
        self._poller = Poller(
            source, self._question(), interval, lambda answer: self.post_message(self.Answered(answer))
        )

    def compose(self) -> ComposeResult:
        yield self._head
        yield self._troubles
        yield self._tabs
        yield self._grid
        yield self._one
        yield self._entry
        yield self._keys

    def on_mount(self) -> None:
        self._exit_on_signals()
        self.screen.set_focus(self._grid)
        self._poller.start()
        self.set_interval(1, self._draw_header)
        self._draw()

    def on_unmount(self) -> None:
        self._poller.stop()

    # What is asked and what comes

    def _question(self) -> Question:
        view = self._view
        fields = view.tab.asked(view.tab.fields) | (view.filter.fields if view.filter else set())
        return Question(view.tab, frozenset(fields), self._item)

    def _ask(self) -> None:
        self._poller.ask(self._question())

    def on_top_answered(self, event: Answered) -> None:
        answer = event.answer
        if isinstance(answer, Failure):
            self._fail(answer)
        else:
            self._failure = None
            self._sample = answer
            self._series.add(answer)
            if answer.question.tab is self._view.tab and answer.question.item is None:
                self._rows = answer.rows
        self._draw()

    def _fail(self, failure: Failure) -> None:
        if self._item is not None and isinstance(failure.error, NotFound):
            if not self._news:  # else it may be the key that deleted it
                self._tell(f"{details.what(self._view.tab, self._item)} has gone")
            self._close_item()
            return
        # Since when is what the first one tells.
        self._failure = failure._replace(at=self._failure.at) if self._failure else failure

    def on_top_news(self, event: News) -> None:
        self._tell(event.text)
        if event.changed:
            self._poller.wake()

    def tell(self, text: str) -> None:
        """A line for the user; from any thread."""
        self.post_message(self.News(text))

    def _tell(self, text: str) -> None:
        self._news = text
        self._draw_keys()
        self.set_timer(NEWS_SECONDS, lambda: self._forget(text))

    def _forget(self, text: str) -> None:
        if self._news == text:
            self._news = ""
            self._draw_keys()

    # Drawing

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        view = self._view
        self._shown = shown(self._rows, view.tab, view.filter, view.order, descending=view.descending)
        self._draw_header()
        self._draw_tabs()
        self._draw_item()
        self._draw_keys()
        self._grid.show(view.tab, self._shown, self._fields(), view.order, descending=view.descending)

    def _situation(self) -> header.Situation:
        source = self._source
        return header.Situation(
            endpoint=source.client.endpoint.url,
            vhost=source.vhost,
            interval=self._interval,
            now=datetime.now(UTC),
            sample=self._sample,
            failure=self._failure,
            asked_at=self._poller.asked_at,
        )

    def _draw_header(self) -> None:
        situation = self._situation()
        self._head.update(Content("\n").join(header.lines(situation, self._series, self.size.width)))
        self._grid.set_stale(stale=header.is_stale(situation))
        troubles = header.troubles(situation)
        self._troubles.display = bool(troubles)
        self._troubles.update(Content("\n").join(troubles))

    def _draw_tabs(self) -> None:
        parts: list[Any] = []
        if self._item is not None:
            parts.append((visible(details.what(self._view.tab, self._item)), looks.STRONG))
        else:
            for number, tab in enumerate(TABS, 1):
                parts += [(f"{number} {tab.title}", "reverse" if tab is self._view.tab else ""), "  "]
        self._tabs.update(Content.assemble(*parts))

    def _draw_item(self) -> None:
        self._one.display = self._item is not None
        self._grid.display = self._item is None
        if (opened := self._opened()) is not None:
            self._text.update(details.drawn(opened.sections))

    def _opened(self) -> details.Opened | None:
        """The open object as it was told last."""
        sample = self._sample
        known = sample is not None and self._item is not None and sample.question.item is self._item
        return sample.opened if sample is not None and known else None

    def _draw_keys(self) -> None:
        self._keys.set_class(bool(self._news), "news")
        self._keys.update(Content(visible_lines(self._news) or self._offered()))

    def _offered(self) -> str:
        """What the last line says when there are no news."""
        if self._item is None and (chosen := self._view.filter) is not None:
            return f"{len(self._shown)} of {len(self._rows)} match {visible(chosen.text)}  Esc all"
        moves = "Enter open  / filter  s sort  r reverse" if self._item is None else "Esc back"
        can = "" if self._surroundings.read_only else changes.KEYS.get(self._view.tab.noun, "")
        return "  ".join(filter(None, (moves, can, "? keys", "q quit")))

    def _fields(self) -> list[Field]:
        """The tab's fields that tell something: virtual hosts when there are several, `acks` when somebody forgets."""
        rows, tab = self._rows, self._view.tab
        hidden = set()
        if (vhost := tab.field("vhost")) and len(set(map(tab.reader(vhost), rows))) < 2:
            hidden.add("vhost")
        if not any(FINDING in row for row in rows):
            hidden.add("acks")
        return [field for field in tab.fields if field.name not in hidden]

    # Keys

    def action_end(self, code: int) -> None:
        self.exit(code)

    def action_help(self) -> None:
        self.push_screen(Help())

    def action_wake(self) -> None:
        self._poller.wake()

    def action_tab(self, number: int) -> None:
        self._item = None
        if self._view is not self._views[number]:
            self._view = self._views[number]
            self._rows = ()
        self.screen.set_focus(self._grid)
        self._ask()
        self._draw()

    def action_next_tab(self) -> None:
        self.action_tab((self._views.index(self._view) + 1) % len(TABS))

    def action_sort(self, by: int) -> None:
        """By a column that can be seen."""
        names = [field.name for field, _ in fitting(self._fields(), self._grid.size.width) if field.sortable]
        at = names.index(self._view.order) if self._view.order in names else -1
        self._view.order = names[(at + by) % len(names)]
        self._view.descending = next(field for field in self._view.tab.fields if field.name == self._view.order).right
        self._grid.to_top()
        self._draw()

    def action_reverse(self) -> None:
        self._view.descending = not self._view.descending
        self._grid.to_top()
        self._draw()

    def action_leave(self) -> None:
        if self._item is not None:
            self._close_item()
        else:
            self._news = ""
            self._set_filter("")
            self._end_filter()
        self._draw()

    def _close_item(self) -> None:
        self._item = None
        self.screen.set_focus(self._grid)
        self._ask()

    def on_grid_opened(self, event: Grid.Opened) -> None:
        self._item = event.item
        self._text.update(Content("..."))
        self._ask()
        self._draw()
        self._one.scroll_home(animate=False)
        self.screen.set_focus(self._one)

    # The filter

    def action_filter(self) -> None:
        self._entry.value = self._view.filter.text if self._view.filter else ""
        self._entry.display = True
        # At once: the next key is in the queue already.
        self.screen.set_focus(self._entry)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """The keys with priority are text within the filter and within dialogs."""
        if action == "filter":
            return isinstance(self.focused, Grid)
        return action != "next_tab" or (len(self.screen_stack) == 1 and not isinstance(self.focused, Input))

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.input is self._entry:
            # An expression is half of one most of the time: complaints have to wait for Enter.
            with suppress(UsageError):
                self._set_filter(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.input is not self._entry:
            return
        try:
            self._set_filter(event.value)
        except UsageError as error:
            self._tell(str(error).removeprefix("--where: "))
            return
        self._end_filter()

    def _end_filter(self) -> None:
        self._entry.display = False
        self.screen.set_focus(self._grid)

    def _set_filter(self, text: str) -> None:
        self._view.filter = filter_of(text, self._view.tab)
        self._grid.to_top()
        if self._view.filter and self._view.filter.fields - self._view.tab.asked(self._view.tab.fields):
            self._ask()
        self._draw()

    # Changes

    def action_change(self, verb: str) -> None:
        opened = self._opened()
        item = opened.item if opened else self._item or self._grid.item
        if item is None:
            return
        around = self._surroundings
        if around.read_only:
            self._tell(f"context {around.context!r} is read-only: nothing can be changed")
            return
        change = changes.change(verb, self._view.tab, item)
        if isinstance(change, str):
            self._tell(change)
            return
        word = (change.vhost if change.vhost is not None else around.context) if around.protected else None
        self.push_screen(Confirm(change.question, word), lambda agreed: self._carry_out(change, agreed=agreed))

    def _carry_out(self, change: changes.Change, *, agreed: bool | None) -> None:
        if not agreed:
            self._tell("nothing was done")
            return

        def work() -> None:
            self._source.client.begin()
            told = attempted(lambda: change.do(self._source.client))
            self.post_message(self.News(str(told), changed=isinstance(told, str)))

        threading.Thread(target=work, daemon=True).start()

    # The end

    def _exit_on_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in _ENDING:
            # Windows has no such handlers, and only the main thread may set them.
            with suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, self.exit, 128 + number)

    def _fatal_error(self) -> None:
        """Textual would print a traceback with the values of all variables; `run` raises the error instead."""
        self._close_messages_no_wait()


_ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def run(app: Top) -> int:
    """Until the user or a signal ends it. Returns the exit code; the terminal is as it was."""
    with handlers_kept(_ENDING):
        code = app.run(mouse=False)
    if app._exception is not None:
        raise app._exception
    return code or 0
