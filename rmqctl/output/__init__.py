"""Output formats: one short module each, imported when it is used.

Every module has two functions, both yielding pieces of text for stdout:
`rows(result: Rows, style: Style) -> Iterator[str]` and `value(result: Value, style: Style) -> Iterator[str]`.
To add a format, write its module and add its line to FORMATS. Commands know formats by their facts alone.
"""

from collections.abc import Iterable
from importlib import import_module
from types import ModuleType

from rmqctl.record import Record


class Format(Record):
    """The facts about a format. Those that are false by default hold for few.

    `native`: takes the HTTP API's own JSON values instead of rabbitmqctl's terms. `nested`: has objects inside objects, so
    that an answer of several levels is written as such, not as rows. `streams`: rows can be written as they come.
    `for_programs`: an object is wanted even where there is nothing to say. `json`: it is JSON, which --jq reads.
    `prose`: what has words and rows comes in words.
    `columnar`: it comes in columns even where all other formats take the words. `enveloped`: an answer comes as rabbitmqctl
    wraps it, with the node that gave it. `banner`: rabbitmqctl's banner may stand above. `header`: there is a header line to
    leave out or to pad to. `frame`: the one of `rmqctl.output.grid.FRAMES` that its tables have; "" when they cannot be
    drawn again in place.

    `harmless`: the function of `rmqctl.output.escape` that output for a terminal goes through; "" for formats that are made
    for one: they escape each text before they paint it. `module`: where it is not that of the name.
    """

    name: str
    native: bool = False
    nested: bool = False
    streams: bool = False
    for_programs: bool = False
    json: bool = False
    prose: bool = False
    columnar: bool = False
    enveloped: bool = False
    banner: bool = False
    header: bool = False
    frame: str = ""
    harmless: str = "harmless"
    module: str = ""

    def on_terminal(self, text: str) -> str:
        """The text without anything that a terminal would obey, but for what the format itself drew."""
        if not self.harmless:
            return text
        made: str = getattr(import_module("rmqctl.output.escape"), self.harmless)(text)
        return made

    def load(self) -> ModuleType:
        return import_module(f"rmqctl.output.{self.module or self.name}")


_JSON = Format("", nested=True, for_programs=True, json=True, harmless="harmless_json")
TABLE = Format("table", streams=True, prose=True, banner=True, header=True)
"""What is used in a pipe when no --formatter is given: rabbitmqctl's table."""
TERMINAL = Format("terminal", streams=True, prose=True, banner=True, header=True, frame="lean", harmless="")
"""What is used on a terminal when no --formatter is given."""

_ALL = (
    TABLE,
    Format("tsv", streams=True, banner=True, header=True),
    Format("pretty_table", banner=True, frame="boxed", harmless=""),
    _JSON._replace(name="json", enveloped=True),
    _JSON._replace(name="json_stream", streams=True),
    _JSON._replace(name="raw_json", native=True),
    _JSON._replace(name="pretty_json", native=True),
    Format("jsonl", native=True, streams=True, for_programs=True, json=True, harmless="harmless_json"),
    Format("yaml", native=True, nested=True, streams=True, for_programs=True),
    Format("csv", streams=True, columnar=True),
    Format("kvp", streams=True, banner=True),
    Format("markdown", streams=True, banner=True),
    Format("erlang", for_programs=True, banner=True),
)
FORMATS = {each.name: each for each in _ALL}

OF_COMMANDS = {
    name: TABLE._replace(name=name, module="table") for name in ("nagios", "prometheus", "dot", "mermaid", "svg")
}
"""Formats of single commands, which make the text themselves."""


def in_words(formats: Iterable[Format]) -> str:
    """Their names as part of a sentence."""
    *most, last = (each.name for each in formats)
    return f"{', '.join(most)} or {last}"
