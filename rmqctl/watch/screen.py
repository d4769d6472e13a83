"""Pictures one over the other on a terminal's second screen, which leaves the first as it was."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

from rich.cells import cell_len

from rmqctl.output import grid
from rmqctl.output.columns import fit
from rmqctl.output.escape import visible
from rmqctl.output.style import Style
from rmqctl.result import Watched
from rmqctl.session import Session
from rmqctl.signals import left_while_stopped
from rmqctl.watch.picture import Picture, picture, wrapped
from rmqctl.watch.rounds import Round

# xterm's control sequences: second screen, cursor, lines that are cut rather than wrapped; from there to the end erased.
_ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l"
_LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l"
_HOME, _REST_OF_LINE, _REST_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"

_LOOK = 0.2
"""Seconds between two looks at the size of the window."""

_SMALL = 10
"""Below this many lines there is none to spare for a blank one."""


class Heading(NamedTuple):
    """What stands above the picture. `news`: that the broker is away, or was; `notes`: what the command has to say."""

    title: str
    url: str
    seconds: float
    time: datetime
    news: str = ""
    notes: tuple[str, ...] = ()


def frame(heading: Heading, shown: Picture, style: Style, size: tuple[int, int], *, away: bool = False) -> list[str]:
    """The lines of a screen of that size (columns, lines). What is shown is out of date when the broker is away."""
    width, height = size
    style = style._replace(width=width)
    top = [grid.bold(_first_line(heading, width), style.color)]
    for line in wrapped(visible(heading.news), width) if heading.news else ():
        top.append(grid.painted(line, "31" if away else "32") if style.color else line)
    for note in heading.notes:
        top += wrapped(visible(note), width)
    if height >= _SMALL:
        top.append("")
    room = max(height - len(top), 1)
    if away:
        body = [
            grid.painted(line, "2" if style.color else "") for line in shown.draw(style._replace(color=False), room)
        ]
    else:
        body = shown.draw(style, room)
    return [*top, *body][:height]


def _first_line(heading: Heading, width: int) -> str:
    """What, where, how often and when; what is cut short first of all is what, since whoever looks has typed it."""
    title, where = visible(heading.title), visible(heading.url)
    right = f"every {heading.seconds:g} s  {heading.time.astimezone():%H:%M:%S}"
    room = width - len(right) - 2
    if room <= len(where):
        return fit(f"{title}  {where}", width)
    for_title = room - len(where) - 2
    if 0 < for_title < cell_len(title):
        title = fit(title, for_title)
    return f"{fit(f'{title}  {where}', room)}  {right}"


class Screen:
    """Shows each round in place of the one before. What is said on stderr meanwhile stands above the picture."""

    def __init__(self, session: Session, watched: Watched, style: Style) -> None:
        self._session = session
        self._watched = watched
        self._style = style
        self._frame = grid.FRAMES[session.format.frame]
        self._picture: Picture | None = None
        self._heading: Heading | None = None
        self._away = False
        self._silence = ""
        self._said = io.StringIO()

    @contextmanager
    def on(self) -> Iterator["Screen"]:
        """The second screen, until the end: then the first is back, and stderr when that is the terminal too."""
        with self._session.streams.diverted(self._said):
            self._write(_ENTER)
            try:
                with left_while_stopped(lambda: self._write(_LEAVE), self._back):
                    yield self
            finally:
                self._write(_LEAVE)

    def _back(self) -> None:
        self._write(_ENTER)
        self._draw()

    def show(self, given: Round) -> None:
        notes = tuple(self._said.getvalue().splitlines())
        self._said.seek(0)
        self._said.truncate()
        if given.result is not None:
            self._picture = picture(given.result, self._picture, self._frame)
            notes += given.result.messages
        news = given.news or (self._heading.news if self._heading else "")
        url = self._session.client.endpoint.url
        self._heading = Heading(self._watched.title, url, self._watched.seconds, given.time, news, notes)
        self._away = given.result is None
        self._silence = ""
        self._draw()

    def silent(self, news: str) -> None:
        """The round under way takes long: what is shown is getting old."""
        self._silence = news
        self._away = True
        self._draw()

    def rest(self, seconds: float) -> None:
        """Lets the time pass, and draws again when the window gets another size."""
        drawn = self._session.streams.size
        while seconds > 0:
            self._session.sleep(min(seconds, _LOOK))
            seconds -= _LOOK
            if self._session.streams.size != drawn:
                drawn = self._session.streams.size
                self._draw()

    def _draw(self) -> None:
        assert self._heading is not None
        assert self._picture is not None
        heading = self._heading._replace(news=self._silence or self._heading.news)
        lines = frame(heading, self._picture, self._style, self._session.streams.size, away=self._away)
        # Each line is erased before it is written: behind a line as wide as the window its last letter would go.
        rest = f"\n{_REST_OF_SCREEN}" if len(lines) < self._session.streams.height else ""
        self._write(_HOME + "\n".join(_REST_OF_LINE + line for line in lines) + rest)

    def _write(self, text: str) -> None:
        """At once, so that no half of a picture is seen."""
        self._session.streams.write(text)
