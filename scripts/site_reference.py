"""MkDocs calls this: adds README.md as the first page of the site, and the help of each command as its reference."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

from rmqctl.cli import build
from rmqctl.commands import COMMANDS, Entry
from rmqctl.help.command import page
from rmqctl.help.layout import Paper
from rmqctl.session import Session

README = Path(__file__).parents[1] / "README.md"
DOCS = "https://github.com/rmqctl/rmqctl/blob/main/docs/"
FOLDER = "reference"
PAPER = Paper(width=100)
SESSION = Session(io.StringIO(), io.StringIO(), io.StringIO(), {})


def on_files(files: Files, config: Any) -> Files:
    first = README.read_text(encoding="utf-8").replace(DOCS, "")
    files.append(File.generated(config, "index.md", content=first))
    files.append(File.generated(config, f"{FOLDER}/commands.md", content="\n".join(_index())))
    for name, entry in _offered():
        files.append(File.generated(config, f"{FOLDER}/{_file(name)}", content=_page(name, entry)))
    return files


def _offered() -> list[tuple[str, Entry]]:
    return [(name, entry) for name, entry in COMMANDS.items() if entry.offered]


def _file(name: str) -> str:
    return f"{name.replace(' ', '-')}.md"


def _index() -> Iterator[str]:
    yield "# Commands\n\nWhat `rmqctl COMMAND --help` prints. Options of every command are described by `rmqctl help options`."
    group = ""
    for name, entry in _offered():
        if entry.group != group:
            group = entry.group
            yield f"\n## {group}\n\n| | |\n| --- | --- |"
        yield f"| [{name}]({_file(name)}) | {entry.help} |"
    yield "\n## Only with rabbitmqctl on the node\n\n`rmqctl help nodes-only` lists what needs the node."


def _page(name: str, entry: Entry) -> str:
    command = build(name, entry, SESSION)
    columns = () if command.resource is None else command.resource.names()
    return f"# {name}\n\n{entry.help}\n\n```text\n{page(name, entry, command, columns, PAPER)}```\n"
