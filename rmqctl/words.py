"""The words of the command line in the order that the parser wants: users write options on either side of the command."""

from collections.abc import Sequence

from rmqctl.commands import COMMANDS
from rmqctl.options import GLOBAL_FLAGS, size
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
    if words[0] == "help":
        return [*_as_rmqctl_says(words[1:]), "--help"]
    words = _as_rmqctl_says(words)
    name, rest = words[0], words[1:]
    if before and not is_known(name) and before[-1] not in GLOBAL_FLAGS and any(map(is_known, rest)):
        # The word is the value of an option that does not exist.
        return [before[-1], *words]
    if not is_group(name):
        return [name, *before, *rest]
    between, words = _split(rest)
    if not words and name in COMMANDS:  # `declare -f FILE` beside `declare queue NAME`
        return [name, *before, *between]
    if not words:
        return [name, *(word for word in between if word in _ALONE)]
    return [name, words[0], *before, *between, *words[1:]]


_VERBS = {"export": ("definitions", "export"), "import": ("definitions", "import")}
_KINDS = {
    "permission": "permissions", "topic_permission": "topic_permissions",
    "vhost_limits": "vhost_limit", "user_limits": "user_limit",
}  # fmt: skip


def _as_rmqctl_says(words: Sequence[str]) -> list[str]:
    """With rabbitmqadmin's `list queues`, `export FILE` and `declare permission` as `list_queues` and so on."""
    if not words:
        return []
    name, (options, rest) = words[0], _split(words[1:])
    if name in _VERBS:
        return [*_VERBS[name], *words[1:]]
    if not rest:
        return list(words)
    kind = rest[0].replace("-", "_")
    if name == "list" and (command := f"list_{kind}") in COMMANDS:
        return [command, *options, *rest[1:]]
    if name == "show" and kind == "overview":
        return [kind, *options, *rest[1:]]
    if name in ("declare", "delete") and kind in _KINDS:
        return [name, *options, _KINDS[kind], *rest[1:]]
    return list(words)


def _split(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """The options with their values up to the first other word, and the words from there on."""
    at = 0
    while at < len(argv) and argv[at].startswith("-") and argv[at] not in ("-", "--"):
        at += size(argv[at])
    return list(argv[:at]), list(argv[at:])


def is_known(name: str) -> bool:
    """Whether a command, or a group of them, has the name; rabbitmqctl's spellings with hyphens are understood."""
    return name.replace("-", "_") in COMMANDS or is_group(name) or name == "list"


def is_group(name: str) -> bool:
    """Whether there are commands below the name: `show`."""
    return any(command.startswith(f"{name} ") for command in COMMANDS)
