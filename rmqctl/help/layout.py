"""Text in the width of a terminal: paragraphs, and terms with what they mean."""

import re
import textwrap
from collections.abc import Iterable, Iterator

from rmqctl.record import Record
from rmqctl.session import Session

IN_A_PIPE = 80
"""Columns where there is no terminal, so that help is the same text in every pipe."""
_NARROW = 24
"""Fewer columns than these are too few for a meaning beside its term."""

_WORD = re.compile(r"""(?:'[^']*'|"[^"]*"|\S)+""")
"""Of a command line: what the shell takes for one word."""


class Paper(Record):
    """What a page is written on. `bold`: headings may stand out."""

    width: int = IN_A_PIPE
    bold: bool = False

    @classmethod
    def of(cls, session: Session) -> "Paper":
        return cls(session.streams.width or IN_A_PIPE, session.color)

    def heading(self, text: str) -> Iterator[str]:
        for line in self.paragraph(text):
            yield f"\x1b[1m{line}\x1b[0m" if self.bold else line

    def paragraph(self, text: str, indent: str = "") -> list[str]:
        return textwrap.wrap(text, self.width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)

    def command_line(self, text: str, indent: str = "  ") -> list[str]:
        """A command, indented. A longer one goes on in the next line, as the shell reads it."""
        lines = [indent]
        for word in _WORD.findall(text):
            joined = f"{lines[-1]} {word}" if lines[-1].strip() else lines[-1] + word
            if len(joined) + 2 <= self.width or not lines[-1].strip():
                lines[-1] = joined
            else:
                lines.append(f"{indent}  {word}")
        if len(lines) == 2 and len(text) + len(indent) <= self.width:
            return [indent + text]
        return [part for line in [*(f"{line} \\" for line in lines[:-1]), lines[-1]] for part in self._folded(line)]

    def _folded(self, line: str) -> list[str]:
        return [line[at : at + self.width] for at in range(0, len(line), self.width)]

    def terms(self, rows: Iterable[tuple[str, str]], widest: int = 28) -> Iterator[str]:
        """Each term with its meaning beside it; below it where the term is wide, or the terminal narrow."""
        rows = list(rows)
        room = max((len(term) for term, _ in rows if len(term) <= widest), default=0)
        beside = self.width - room - 4 >= _NARROW
        for term, meaning in rows:
            if beside and len(term) <= room:
                indent = " " * (room + 4)
                lines = self.paragraph(meaning, indent) or [""]
                yield f"  {term:{room}}  {lines[0][room + 4 :]}".rstrip()
                yield from lines[1:]
            else:
                yield from self.paragraph(term, "  ")
                yield from self.paragraph(meaning, " " * (room + 4) if beside else "      ")


def text(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
