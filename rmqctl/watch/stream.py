"""Rounds one after the other: in a pipe, a file, or in a format that is for programs."""

from collections.abc import Mapping
from datetime import UTC, datetime

from rmqctl.output import answer
from rmqctl.output.style import Style
from rmqctl.result import Answer, Nothing, Rows, Value
from rmqctl.session import Session
from rmqctl.watch.rounds import Round

TIME = "time"


def stamped(result: Answer, time: str) -> Answer:
    """The result with the time in front: of each row, of the fields of an object, of a text as a line of its own."""
    if isinstance(result, Rows):
        # A list that is empty for a while is no end of the output.
        return result._replace(
            columns=(TIME, *result.columns), cells=[(time, *row) for row in result.cells], streamed=True
        )
    if isinstance(result, Value):
        fields = result.text is None and isinstance(result.data, Mapping)
        return result._replace(
            data=_with_time(result.data, time),
            text=None if fields else "\n".join([time, *answer.lines(result)]),
            alarming=frozenset(number + 1 for number in result.alarming),
        )
    return result


def _with_time(data: object, time: str) -> object:
    if isinstance(data, Mapping):
        return {TIME: time, **data}
    if isinstance(data, list) and all(isinstance(member, Mapping) for member in data):
        return [{TIME: time, **member} for member in data]
    return {TIME: time, "message" if isinstance(data, str) else "value": data}


class Stream:
    """Writes each round behind the one before, headers once."""

    def __init__(self, session: Session, style: Style, seconds: float) -> None:
        self._session = session
        self._style = style
        self._precision = "seconds" if seconds >= 1 else "milliseconds"
        self._shape: object = None
        self._said: tuple[str, ...] = ()

    def show(self, given: Round) -> None:
        if given.news:
            self._session.say(f"rmqctl: {given.news}")
        if given.result is not None:
            self._write(stamped(given.result, self._text(given.time)))
            self._say(given.result.messages)

    def rest(self, seconds: float) -> None:
        self._session.sleep(seconds)

    def silent(self, news: str) -> None:
        """The round under way takes long."""
        self._session.say(f"rmqctl: {news}")

    def _write(self, result: Answer) -> None:
        if isinstance(result, Nothing):
            return
        module = self._session.format.load()
        shape = result.columns if isinstance(result, Rows) else _keys(result)
        style = self._style._replace(continued=shape == self._shape)
        text = "".join((module.rows if isinstance(result, Rows) else module.value)(result, style))
        if text:
            self._session.streams.write(self._session.shown(text))
            self._shape = shape

    def _say(self, messages: tuple[str, ...]) -> None:
        """Each message once, until a round comes without it."""
        for message in messages:
            if message not in self._said:
                self._session.say(message)
        self._said = messages

    def _text(self, time: datetime) -> str:
        return time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=self._precision) + "Z"


def _keys(result: Value) -> object:
    return [key for key, _ in answer.fields(result) or ()]
