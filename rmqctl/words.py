"""The words of the command line in the order that the parser wants: users write options on either side of the command."""

from collections.abc import Callable, Iterator, Sequence

from rmqctl.commands import COMMANDS
from rmqctl.options import SIZES, Sizes
from rmqctl.watch import option as watching

HELP = ["--help", "-h", "-?"]
_ALONE = (*HELP, "--version", "-V")

SizesOf = Callable[[str], Sizes]
"""The sizes of a command's own options, by its name."""


def command_first(argv: Sequence[str], sizes_of: SizesOf) -> list[str]:
    """The words with the command's name before everything else: options may stand on either side of it.

    Whether the word behind an option is its value depends on the command, which is not known yet. Where an option before the
    command is not one of all commands, it is that command of the line whose options all of those before it are: in
    `--reason list_queues close connection` the second. Without a command only a request for help or the version remains.
    """
    reading = _Reading(SIZES)
    first = reading.arranged(argv)
    if not reading.strange:
        return first
    for name in _candidates(argv):
        reading = _Reading({**SIZES, **sizes_of(name)})
        words = reading.arranged(argv)
        if not reading.strange and _begin_with(words, name):
            return words
    return first


_SPELLINGS = {
    "rabbitmqadmin": {"-V": "--vhost", "-u": "--user", "-p": "--password", "--format": "--formatter"},
    "rabbitmq-plugins": {"list": "list_plugins"},
}
"""Words of other tools that mean something else, or nothing, under rmqctl's own name."""


def as_rmqctl_spells(called: str, argv: Sequence[str]) -> Sequence[str]:
    """The words of a program that is called so, as rmqctl spells them."""
    for tool, spellings in _SPELLINGS.items():
        if called.startswith(tool):
            parts = [word.partition("=") for word in argv]
            return [spellings.get(name, name) + equals + value for name, equals, value in parts]
    return argv


def _candidates(argv: Sequence[str]) -> Iterator[str]:
    """The commands that words of the line may name, in their order."""
    for at, word in enumerate(argv):
        seconds = argv[at + 1 :] if is_group(word) or word == "list" else ()
        names = [_as_rmqctl_says(word, second) for second in seconds]
        spelled = (" ".join(name).replace("-", "_") for name in (*names, _VERBS.get(word, [word])))
        yield from (name for name in spelled if name in COMMANDS)


def _begin_with(words: Sequence[str], name: str) -> bool:
    parts = name.split(" ")
    return [word.replace("-", "_") for word in words[: len(parts)]] == parts


class _Reading:
    """The line as it is read when options have these sizes. `strange`: one that was passed over has none."""

    def __init__(self, sizes: Sizes) -> None:
        self._sizes = sizes
        self.strange = False

    def arranged(self, argv: Sequence[str]) -> list[str]:
        before, words = self._split(argv)
        if not words:
            return [word for word in before if word in _ALONE][:1]
        if words[0] == "help":
            about = self._translated(words[1:])
            return [*about, "--help"] if about and is_known(about[0]) else ["help", *before, *about]
        words = self._translated(words)
        name, rest = words[0], words[1:]
        if before and not is_known(name) and before[-1] not in self._sizes and any(map(is_known, rest)):
            # The word is the value of an option that does not exist.
            return [before[-1], *words]
        if not is_group(name):
            return [name, *before, *rest]
        between, words = self._split(rest)
        if not words and name in COMMANDS:  # `declare -f FILE` beside `declare queue NAME`
            return [name, *before, *between]
        if not words:
            return [name, *(word for word in between if word in _ALONE)]
        return [name, words[0], *before, *between, *words[1:]]

    def _translated(self, words: Sequence[str]) -> list[str]:
        """With rabbitmqadmin's `list queues`, `export FILE` and `declare permission` as `list_queues` and so on."""
        if not words:
            return []
        if words[0] in _VERBS:
            return [*_VERBS[words[0]], *words[1:]]
        if words[0] not in _OF_RABBITMQADMIN:
            return list(words)
        options, rest = self._split(words[1:])
        if not rest:
            return list(words)
        name, *kind = _as_rmqctl_says(words[0], rest[0])
        return [name, *options, *kind, *rest[1:]]

    def _split(self, argv: Sequence[str]) -> tuple[list[str], list[str]]:
        """The options with their values up to the first other word, and the words from there on."""
        at = 0
        while at < len(argv) and argv[at].startswith("-") and argv[at] not in ("-", "--"):
            at += self._size(argv, at)
        return list(argv[:at]), list(argv[at:])

    def _size(self, argv: Sequence[str], at: int) -> int:
        word = argv[at]
        if word == watching.FLAG:
            return watching.size(argv, at)
        # `--sort=name`, `-p/shop`
        flag = word.partition("=")[0] if word.startswith("--") else word[:2]
        known = flag in self._sizes or flag in _ALONE or flag == watching.FLAG
        self.strange = self.strange or not known
        return self._sizes.get(word, 1)


_GROUPS = frozenset(name.partition(" ")[0] for name in COMMANDS if " " in name)
_VERBS = {"export": ["definitions", "export"], "import": ["definitions", "import"]}
_KINDS = {
    "permission": "permissions", "topic_permission": "topic_permissions",
    "vhost_limits": "vhost_limit", "user_limits": "user_limit",
}  # fmt: skip
_OF_RABBITMQADMIN = ("list", "show", "declare", "delete")


def _as_rmqctl_says(name: str, kind: str) -> list[str]:
    """The words of the command that rabbitmqadmin, or rmqctl, has for these two."""
    plain = kind.replace("-", "_")
    if name == "list" and (command := f"list_{plain}") in COMMANDS:
        return [command]
    if name == "show" and plain == "overview":
        return [plain]
    if name in ("declare", "delete"):
        return [name, _KINDS.get(plain, kind)]
    return [name, kind]


def is_known(name: str) -> bool:
    """Whether a command, or a group of them, has the name; rabbitmqctl's spellings with hyphens are understood."""
    return name.replace("-", "_") in COMMANDS or is_group(name) or name == "list"


def is_group(name: str) -> bool:
    """Whether there are commands below the name: `show`."""
    return name in _GROUPS
