"""The words of the command line in the order that the parser wants: users write options on either side of the command."""

from collections.abc import Sequence

from rmqctl.commands import COMMANDS
from rmqctl.options import size
from rmqctl.watch.option import joined

HELP = ["--help", "-h", "-?"]
_ALONE = (*HELP, "--version", "-V")


def command_first(argv: Sequence[str]) -> list[str]:
    """The words with the command's name before everything else: options may stand on either side of it.

    Without a command only a request for help or the version remains.
    """
    before, words = _split(joined(argv))
    if not words:
        return [word for word in before if word in _ALONE][:1]
    name, rest = words[0], words[1:]
    if name == "help":
        return [*rest, "--help"]
    if not is_group(name):
        return [name, *before, *rest]
    between, words = _split(rest)
    if not words and name in COMMANDS:  # `declare -f FILE` beside `declare queue NAME`
        return [name, *before, *between]
    if not words:
        return [name, *(word for word in between if word in _ALONE)]
    return [name, words[0], *before, *between, *words[1:]]


def _split(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """The options with their values up to the first other word, and the words from there on."""
    at = 0
    while at < len(argv) and argv[at].startswith("-") and argv[at] not in ("-", "--"):
        at += size(argv[at])
    return list(argv[:at]), list(argv[at:])


def is_group(name: str) -> bool:
    """Whether there are commands below the name: `show`."""
    return any(command.startswith(f"{name} ") for command in COMMANDS)
