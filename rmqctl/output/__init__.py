"""Output formats: one short module each, imported when it is used.

Every module has two functions, both yielding pieces of text for stdout:
`rows(result: Rows, style: Style) -> Iterator[str]` and `value(result: Value, style: Style) -> Iterator[str]`.
To add a format, write its module and add its line to FORMATS.
"""

from importlib import import_module
from types import ModuleType

from rmqctl.record import Record


class Format(Record):
    """`native`: takes the HTTP API's own JSON values instead of rabbitmqctl's terms. `summary`: for --help.

    `harmless`: the function of `rmqctl.output.escape` that output for a terminal goes through; "" for formats that are made
    for one: they escape each text before they paint it.
    """

    module: str
    native: bool
    summary: str
    harmless: str = "harmless"

    def on_terminal(self, text: str) -> str:
        """The text without anything that a terminal would obey, but for what the format itself drew."""
        if not self.harmless:
            return text
        made: str = getattr(import_module("rmqctl.output.escape"), self.harmless)(text)
        return made

    def load(self) -> ModuleType:
        return import_module(f"rmqctl.output.{self.module}")


FORMATS = {
    "table": Format("table", False, "tab-separated as rabbitmqctl, header only when there are rows"),
    "tsv": Format("tsv", False, "tab-separated, control characters escaped"),
    "pretty_table": Format("pretty_table", False, "box drawing, also in a pipe", ""),
    "json": Format("json", False, "rabbitmqctl's JSON", "harmless_json"),
    "json_stream": Format("json_stream", False, "rabbitmqctl's JSON, one object after another", "harmless_json"),
    "raw_json": Format("raw_json", True, "the HTTP API's own values and types, compact", "harmless_json"),
    "pretty_json": Format("pretty_json", True, "the same, indented", "harmless_json"),
    "jsonl": Format("jsonl", True, "the same, one object a line", "harmless_json"),
    "csv": Format("csv", False, "quoted, comma separated"),
    "kvp": Format("kvp", False, "key: value, one block an object"),
    "markdown": Format("markdown", False, "a Markdown table"),
    "erlang": Format("erlang", False, "Erlang terms"),
}

OF_COMMANDS = {
    "nagios": Format("table", False, "one line with performance data, then details"),
    "prometheus": Format("table", False, "metrics for the textfile collector"),
    "dot": Format("table", False, "a graph for Graphviz"),
    "mermaid": Format("table", False, "a flowchart for Mermaid"),
    "svg": Format("table", False, "a picture"),
}
"""Formats of single commands, which make the text themselves."""

TERMINAL = Format("terminal", False, "the table of a terminal", "")
"""What is used on a terminal when no --formatter is given."""
