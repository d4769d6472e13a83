"""The screen: header, tabs, the table or one object of it, and a line for keys and news."""

import asyncio
import signal
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.filter import NoColor
from textual.message import Message
from textual.widgets import Input, Static

from rmqctl.api import lists, vhosts
from rmqctl.errors import NotFound, RmqctlError, UsageError
from rmqctl.naming import closest
from rmqctl.output.escape import visible, visible_lines
from rmqctl.resources.column import Object
from rmqctl.signals import handlers_kept
from rmqctl.top import changes, details, footer, header, looks, messages
from rmqctl.top.bar import Bar
from rmqctl.top.dialogs import Columns, Confirm, Help, Messages, Publish
from rmqctl.top.entries import FilterEntry, VhostEntry
from rmqctl.top.errands import Errands
from rmqctl.top.grid import Grid
from rmqctl.top.poller import Failure, Poller
from rmqctl.top.rows import filter_of
from rmqctl.top.source import Question, Sample, Source
from rmqctl.top.tabs import TABS, fitting
from rmqctl.top.views import Place, View

INTERRUPTED = 130
SCROLLBAR = 1
NEWS_SECONDS = 8.0


class Surroundings(NamedTuple):
    """What the context and the terminal allow. `context`: its name, for texts."""

    context: str | None = None
    read_only: bool = False
    protected: bool = False
    color: bool = True


class Top(Errands):
    TITLE = "rmqctl top"
    ENABLE_COMMAND_PALETTE = False
    CSS = looks.CSS
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(number), f"tab({number - 1})") for number in range(1, len(TABS) + 1)),
        Binding("tab", "next_tab", priority=True),
        # With priority, so that keys typed right behind it are the filter's and start nothing.
        Binding("slash", "filter", priority=True),
        Binding("colon", "vhost", priority=True),
        Binding("enter", "follow"),
        Binding("f", "columns"),
        Binding("m", "messages"),
        Binding("n", "publish"),
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
        self._of: str | None = None
        self._trail: list[Place] = []
        self._vhosts: Sequence[str] = ()
        self._problem = ""
        self._sample: Sample | None = None
        self._rows: Sequence[Object] = ()
        self._shown: Sequence[Object] = ()
        self._failure: Failure | None = None
        self._series = header.Series()
        self._news = ""
        self._head = Static(id="header")
        self._troubles = Static(id="troubles")
        self._tabs = Bar()
        self._grid = Grid(self._view.tab)
        self._text = Static()
        self._one = VerticalScroll(self._text, id="one")
        self._entry = FilterEntry()
        self._vhost_entry = VhostEntry()
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
        yield self._vhost_entry
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
        return Question(view.tab, frozenset(fields), self._item, self._of)

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
            asked = answer.question
            if (asked.tab, asked.item, asked.of) == (self._view.tab, None, self._of):
                self._rows = answer.rows
        self._draw()

    def _fail(self, failure: Failure) -> None:
        if self._item is not None and isinstance(failure.error, NotFound):
            if not self._news:  # else it may be the key that deleted it
                self._tell(f"{details.what(self._view.tab, self._item)} has gone")
            self._go_back()
            return
        if self._of is not None and isinstance(failure.error, NotFound):
            self._tell(f"connection {self._of!r} has gone")
            self._go_back()
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
        self._shown = view.shown(self._rows)
        self._draw_header()
        self._draw_tabs()
        self._draw_item()
        self._draw_keys()
        self._grid.show(view.tab, self._shown, view.fields(self._rows), view.order, descending=view.descending)

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
        if self._item is not None:
            self._tabs.show_open(details.what(self._view.tab, self._item))
        elif self._of is not None:
            self._tabs.show_open(f"channels of connection {self._of!r}")
        else:
            self._tabs.show_tabs(self._view.tab)

    def _draw_item(self) -> None:
        self._one.display = self._item is not None
        self._grid.display = self._item is None
        if (opened := self._opened()) is not None:
            self._text.update(details.drawn(opened, self.size.width - SCROLLBAR))

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
        if self._vhost_entry.display:
            return footer.ENTRY_OF_VHOST
        chosen = self._view.filter if self._item is None else None
        if problem := self._problem or (chosen and chosen.problem):
            return visible(problem)
        if chosen is not None:
            return f"{len(self._shown)} of {len(self._rows)} match {visible(chosen.text)}  Esc all"
        return footer.keys(
            self._view.tab.noun,
            self.size.width,
            is_open=self._item is not None,
            read_only=self._surroundings.read_only,
        )

    @property
    def shows_findings(self) -> bool:
        return bool(self._sample and self._sample.findings)

    def lines(self) -> list[Iterable[Segment]]:
        """What is on the screen."""
        return list(self.screen._compositor.render_strips())

    # Keys

    def action_end(self, code: int) -> None:
        self.exit(code)

    def action_help(self) -> None:
        self.push_screen(Help())

    def action_wake(self) -> None:
        self._poller.wake()

    def action_tab(self, number: int) -> None:
        self._trail = []
        self._go(Place(number, None, None))

    def on_bar_chosen(self, event: Bar.Chosen) -> None:
        self.action_tab(event.number)

    def on_bar_left(self) -> None:
        self.action_leave()

    def action_next_tab(self) -> None:
        self.action_tab((self._views.index(self._view) + 1) % len(TABS))

    def action_sort(self, by: int) -> None:
        self._view.step(by, self._rows, self._grid.size.width)
        self._grid.to_top()
        self._draw()

    def action_reverse(self) -> None:
        self._view.descending = not self._view.descending
        self._grid.to_top()
        self._draw()

    def on_grid_sorted(self, event: Grid.Sorted) -> None:
        self._view.sort_by(event.name)
        self._grid.to_top()
        self._draw()

    def action_columns(self) -> None:
        if self._item is not None:
            return
        view = self._view
        seen = {field.name for field, _ in fitting(view.fields(self._rows), self._grid.size.width)}

        def take(wanted: set[str] | None) -> None:
            if wanted is not None:
                view.choose(wanted, seen)
                self._draw()

        self.push_screen(Columns(view.tab.fields[1:], seen), take)

    # Where one is, and the way back

    def action_leave(self) -> None:
        if self._vhost_entry.display:
            self._end_entry(self._vhost_entry)
        elif self._entry.display or (self._item is None and self._view.filter is not None):
            self._news = ""
            self._set_filter("")
            self._end_entry(self._entry)
        elif self._trail:
            self._go_back()
        else:
            self._news = ""
        self._draw()

    def _here(self) -> Place:
        return Place(self._views.index(self._view), self._item, self._of)

    def _go_on(self, place: Place) -> None:
        """To where Escape comes back from."""
        self._trail.append(self._here())
        self._go(place)

    def _go_back(self) -> None:
        self._go(self._trail.pop() if self._trail else Place(self._views.index(self._view), None, None))

    def _go(self, place: Place) -> None:
        if (self._view, self._of) != (self._views[place.number], place.of):
            self._rows = ()
        self._view, self._item, self._of = self._views[place.number], place.item, place.of
        self._ask()
        if place.item is None:
            self.screen.set_focus(self._grid)
        else:
            self._text.update(Content("..."))
            self._one.scroll_home(animate=False)
            self.screen.set_focus(self._one)
        self._draw()

    def on_grid_opened(self, event: Grid.Opened) -> None:
        self._go_on(Place(self._views.index(self._view), event.item, self._of))

    def action_follow(self) -> None:
        """From an open connection to its channels, from a channel to its connection, from a consumer to its channel."""
        if self._item is None:
            return
        opened = self._opened()
        found = changes.followed(self._view.tab, opened.item if opened else self._item)
        if found is None:
            return
        noun, name = found
        number = next(at for at, tab in enumerate(TABS) if tab.noun == noun)
        if self._view.tab.noun == "connections":
            self._go_on(Place(number, None, name))
        else:
            self._go_on(Place(number, {"name": name}, None))

    # The virtual host

    def action_vhost(self) -> None:
        self._vhost_entry.value = ""
        self._vhost_entry.display = True
        self.screen.set_focus(self._vhost_entry)
        self._draw_keys()

        def know(names: Sequence[str]) -> None:
            self._vhosts = names
            self._vhost_entry.know(names)

        client = self._source.client
        self._errand(
            client,
            lambda: [str(row["name"]) for row in lists.fetch(client, "vhosts", fields=("name",))],
            know,
            lambda _: None,
        )

    def _jump(self, name: str) -> None:
        def arrive(_: object) -> None:
            self._end_entry(self._vhost_entry)
            self._source = Source(self._source.client, name or None)
            self._series = header.Series()
            self._sample, self._rows, self._trail = None, (), []
            self._poller.turn_to(self._source, self._question())
            self._go(Place(self._views.index(self._view), None, None))

        def refuse(error: RmqctlError) -> None:
            close = closest(name, self._vhosts) if isinstance(error, NotFound) else None
            self._tell(f"{error}; did you mean {close!r}?" if close else str(error))

        client = self._source.client
        self._errand(client, lambda: vhosts.check(client, name) if name else None, arrive, refuse)

    # Messages

    def action_messages(self) -> None:
        tab, item = self._view.tab, self._chosen()
        if item is None or self._is_read_only():
            return
        if tab.noun != "queues":
            self._tell("messages goes with queues")
            return
        client = self._source.client
        self._errand(
            client,
            lambda: messages.look(client, tab, item),
            lambda lines: self.push_screen(Messages(lines)),
            lambda error: self._tell(str(error)),
        )

    def action_publish(self) -> None:
        item = self._chosen()
        if item is None or self._is_read_only():
            return
        to = messages.target(self._view.tab, item)
        if isinstance(to, str):
            self._tell(to)
            return
        client = self._source.client

        def take(typed: tuple[str, str] | None) -> None:
            if typed is None:
                self._tell("nothing was published")
                return
            self._change(lambda: messages.publish(client, to, *typed))

        self.push_screen(Publish(to.what, to.key), take)

    # The filter

    def action_filter(self) -> None:
        self._entry.value = self._view.filter.text if self._view.filter else ""
        self._entry.display = True
        # At once: the next key is in the queue already.
        self.screen.set_focus(self._entry)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """The keys with priority are text within the filter and within dialogs."""
        if action in ("filter", "vhost"):
            return isinstance(self.focused, Grid)
        return action != "next_tab" or (len(self.screen_stack) == 1 and not isinstance(self.focused, Input))

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.input is self._entry:
            # An expression is half of one most of the time: the last line says what is missing, the rows stay as they are.
            try:
                self._set_filter(event.value)
            except UsageError as error:
                self._problem = _without_option(error)
                self._draw_keys()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.input is self._vhost_entry:
            self._jump(event.value)
        if event.input is not self._entry:
            return
        try:
            self._set_filter(event.value)
        except UsageError as error:
            self._tell(_without_option(error))
            return
        self._end_entry(self._entry)

    def _end_entry(self, entry: Input) -> None:
        self._problem = ""
        entry.display = False
        self.screen.set_focus(self._grid)
        self._draw_keys()

    def _set_filter(self, text: str) -> None:
        self._view.filter = filter_of(text, self._view.tab)
        self._problem = ""
        self._grid.to_top()
        if self._view.filter and self._view.filter.fields - self._view.tab.asked(self._view.tab.fields):
            self._ask()
        self._draw()

    # Changes

    def action_change(self, verb: str) -> None:
        item = self._chosen()
        if item is None or self._is_read_only():
            return
        around = self._surroundings
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
        client = self._source.client
        self._change(lambda: change.do(client))

    def _chosen(self) -> Object | None:
        """The open object, else the one under the cursor."""
        opened = self._opened()
        return opened.item if opened else self._item or self._grid.item

    def _is_read_only(self) -> bool:
        """Says so too."""
        if self._surroundings.read_only:
            self._tell(f"context {self._surroundings.context!r} is read-only: nothing can be changed")
        return self._surroundings.read_only

    def _change(self, work: Callable[[], str]) -> None:
        """Does it in a thread; the user is told what it returns."""
        self._errand(
            self._source.client,
            work,
            lambda told: self.post_message(self.News(told, changed=True)),
            lambda error: self.post_message(self.News(str(error))),
        )

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


def _without_option(error: UsageError) -> str:
    return str(error).removeprefix("--where: ")


_ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def run(app: Top) -> int:
    """Until the user or a signal ends it. Returns the exit code; the terminal is as it was."""
    with handlers_kept(_ENDING):
        code = app.run()
    if app._exception is not None:
        raise app._exception
    return code or 0
