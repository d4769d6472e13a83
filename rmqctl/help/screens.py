"""The screens about the program as a whole, from the command table."""

from collections.abc import Iterable, Iterator

from rmqctl.commands import COMMANDS, NODES_ONLY_GROUP, Entry
from rmqctl.help.layout import Paper, text

NODES_ONLY = "nodes-only"

_ABOUT = "rmqctl manages RabbitMQ from any machine, over the management HTTP API."
_BY_TASK = (
    ("list_queues", "Queues with their message counts"),
    ("list_connections", "AMQP connections"),
    ("show queue", "A queue with all its fields and rates"),
    ("who", "Who fills a queue, and who holds its messages"),
    ("top", "Live view of queues, connections and nodes"),
    ("check all", "Health checks; the exit code says how it went"),
    ("publish, get", "Send a message, look at messages"),
    ("declare queue", "Create a queue; delete and purge remove"),
    ("set_policy", "Change settings of queues by name"),
    ("definitions export", "Save the definitions of a broker"),
    ("context add", "Store the address of a broker under a name"),
    ("demo", "Try any command on a broker with samples"),
)
_EXAMPLES = (
    "rmqctl --url http://ops:secret@rabbit-1:15672 list_queues",
    "rmqctl -C prod check all --all-vhosts",
    "rmqctl demo who task_queue",
)
# In one line each: the whole screen has 24.
_OPTIONS = (
    "--url URL, -C CONTEXT  Which broker  [http://localhost:15672]",
    "-p VHOST, -f FORMAT    Virtual host [/]; json, csv, ... instead of a table",
)
_MORE = "More: rmqctl COMMAND --help, rmqctl help --all, rmqctl help (topics)"


def first(paper: Paper) -> str:
    """What a newcomer sees; it fits a terminal of 80 columns and 24 lines."""
    return text(_first(paper))


def _first(paper: Paper) -> Iterator[str]:
    yield from paper.heading(_ABOUT)
    yield ""
    yield from paper.terms(_BY_TASK)
    yield ""
    for example in _EXAMPLES:
        yield from paper.command_line(example)
    yield ""
    for option in _OPTIONS:
        yield from paper.paragraph(option, "  ")
    yield from paper.paragraph(_MORE)


def every_command(paper: Paper) -> str:
    """Every command with its line of help, by group, but those that need the node."""
    members = {name: entry for name, entry in COMMANDS.items() if entry.offered}
    usage = paper.paragraph("Usage: rmqctl [OPTION]... COMMAND [ARGUMENT]...")
    return text([*usage, *_groups(members, paper), "", *_end(paper)])


def group(prefix: str, paper: Paper) -> str:
    """The commands of a group: `prefix` is "show " for `rmqctl show --help`."""
    usage = paper.paragraph(f"Usage: rmqctl [OPTION]... {prefix}COMMAND [ARGUMENT]...")
    more = paper.paragraph(f"For more about one of them, run rmqctl {prefix}COMMAND --help.")
    return text([*usage, *_groups(_shown(prefix), paper), "", *more])


def nodes_only(paper: Paper) -> str:
    """The commands that only rabbitmqctl and its sister tools can run, with the reason."""
    about = "These commands are not available over the HTTP API. Run them on the node, with the tool that is named."
    members = {name: entry for name, entry in COMMANDS.items() if entry.group == NODES_ONLY_GROUP}
    by_reason: dict[str, list[str]] = {}
    for name, entry in members.items():
        by_reason.setdefault(entry.help, []).append(name)
    lines = paper.paragraph(about)
    for reason, names in by_reason.items():
        lines += ["", *paper.paragraph(reason)]
        for name in names:
            lines += paper.paragraph(name, "  ")
    return text(lines)


def _end(paper: Paper) -> Iterator[str]:
    yield from paper.paragraph("Options may stand before or after the command. For more, run:")
    yield from paper.terms(
        (
            ("rmqctl COMMAND --help", "what a command does, with examples"),
            ("rmqctl help", "the topics"),
            (f"rmqctl help {NODES_ONLY}", "commands that only rabbitmqctl on the node can run"),
        )
    )


def _shown(prefix: str) -> dict[str, Entry]:
    return {name: entry for name, entry in COMMANDS.items() if name.startswith(prefix) and not entry.hidden}


def _groups(members: dict[str, Entry], paper: Paper) -> Iterator[str]:
    for title in dict.fromkeys(entry.group for entry in members.values()):
        yield ""
        yield from paper.heading(f"{title}:")
        yield from paper.terms(_lines(title, members))


def _lines(title: str, members: dict[str, Entry]) -> Iterable[tuple[str, str]]:
    return ((name, entry.help) for name, entry in members.items() if entry.group == title)
