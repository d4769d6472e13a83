"""A guide on the screen: Markdown in the terminal's width, and the same without colours in a pipe."""

import io
import re
from collections.abc import Iterator, Mapping

from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import CodeBlock, Heading, Markdown
from rich.text import Text

from rmqctl.help.layout import Paper

_COMMENT = re.compile(r"<!--.*?-->\n?", re.S)
_IMAGE = re.compile(r"!\[[^\]]*\]\([^)]*\)\n?")
_LINK = re.compile(r"\[([^\]]+)\]\((?!\w+:)([^)#]*)(#[^)]*)?\)")
_TABLE = re.compile(r"(?:^\|.*\n)+", re.M)
_CELL = re.compile(r"(?<!\\)\|")


class _Code(CodeBlock):
    """As it is, indented: nothing that a reader copies has colours or a frame."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        paper = Paper(options.max_width)
        for line in str(self.text).rstrip("\n").split("\n"):
            parts = paper.command_line(line, "    ") if line.startswith(("rmqctl ", "$ rmqctl ")) else [f"    {line}"]
            yield from (Text(part, overflow="fold") for part in parts)


class _Heading(Heading):
    """At the left edge, in bold."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        self.text.justify = "left"
        self.text.stylize("bold")
        yield self.text


class _Guide(Markdown):
    elements = {**Markdown.elements, "code_block": _Code, "fence": _Code, "heading_open": _Heading}


def shown(source: str, topics: Mapping[str, str], paper: Paper) -> str:
    """The page. `topics`: by the file of a guide, under which topic the help has it."""
    out = io.StringIO()
    console = Console(
        file=out,
        width=paper.width,
        force_terminal=paper.bold,
        no_color=not paper.bold,
        color_system="standard" if paper.bold else None,
        legacy_windows=False,
        highlight=False,
    )
    console.print(_Guide(_for_reading(source, topics), hyperlinks=False))
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().strip("\n").split("\n"))


def _for_reading(source: str, topics: Mapping[str, str]) -> str:
    """Without what only a browser shows. A link to another guide names its topic, a row of a table is an item of a list."""

    def linked(link: re.Match[str]) -> str:
        topic = topics.get(link[2].removeprefix("../"))
        return f"{link[1]} (`rmqctl help {topic}`)" if topic else link[1]

    source = _IMAGE.sub("", _COMMENT.sub("", source))
    return _TABLE.sub(lambda table: "\n".join(_items(table[0])) + "\n", _LINK.sub(linked, source))


def _items(table: str) -> Iterator[str]:
    """A table's cells share a narrow terminal badly: each row with the names of its columns."""
    header, _, *rows = [[cell.strip() for cell in _CELL.split(line.strip())[1:-1]] for line in table.splitlines()]
    for first, *rest in rows:
        named = [f"{name}: {cell}" if name else cell for name, cell in zip(header[1:], rest, strict=False) if cell]
        yield f"- {first}: {'; '.join(named)}" if named else f"- {first}"
