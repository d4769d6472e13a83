"""The topics of `rmqctl help TOPIC`. A guide is a file of docs/; the other pages are made from the program's own tables."""

from collections.abc import Callable, Sequence
from importlib import import_module

from rmqctl.errors import UsageError
from rmqctl.help.layout import Paper, text
from rmqctl.record import Record
from rmqctl.shipped import folder


class Topic(Record):
    """`guide`: its file in docs/; "" for a page that `module` makes. `commands`: whose --help names the topic."""

    about: str
    guide: str = ""
    module: str = ""
    commands: tuple[str, ...] = ()


TOPICS = {
    "connection": Topic("Address, node, password, TLS.", "connection.md", commands=("show endpoint", "whoami")),
    "contexts": Topic("Brokers stored under names.", "contexts.md", commands=("context",)),
    "options": Topic("The options of every command.", module="rmqctl.help.options"),
    "variables": Topic("Environment variables.", "environment.md", commands=("environment",)),
    "output": Topic("What is printed on a terminal and in a pipe.", "output.md"),
    "formats": Topic("The formats of --formatter.", "formats.md"),
    "columns": Topic("Columns of a list: rmqctl help columns list_queues.", module="rmqctl.help.columns"),
    "where-expressions": Topic("Rows that --where, --match and --sort choose.", "where-expressions.md"),
    "watch": Topic("--watch on everything that reads.", "watch.md"),
    "exit-codes": Topic("Exit codes.", "exit-codes.md"),
    "checks": Topic("Checks for monitoring, and their file of limits.", "checks.md", commands=("check",)),
    "acks": Topic("Who forgot to acknowledge.", "acks.md", commands=("check acks", "who")),
    "recipes": Topic("Scripts for cron and monitoring.", "howto/README.md", commands=("wait",)),
    "messages": Topic("Publish and get messages.", "messages.md", commands=("publish", "get", "peek")),
    "consuming": Topic("Consume messages, copy what an exchange routes.", "consuming.md", commands=("consume", "tap")),
    "moving": Topic("Move messages to another queue.", "moving.md", commands=("move", "redrive")),
    "load": Topic("A small load with its rates and latencies.", "bench.md", commands=("bench",)),
    "live-view": Topic("The full-screen view.", "top.md", commands=("top",)),
    "routing": Topic("Which queues a message reaches.", "topology.md", commands=("topology",)),
    "changing": Topic("Users, permissions, policies, limits, queues.", "changing.md", commands=("policies", "explain")),
    "declaring": Topic(
        "Declare, delete, purge, close.", "declare.md", commands=("declare", "delete", "purge", "close")
    ),
    "definition-files": Topic("Export, compare and apply definitions.", "definitions.md", commands=("definitions",)),
    "embedded-broker": Topic("The broker that rmqctl brings.", "broker.md", commands=("broker",)),
    "tutorial": Topic("The demo and its scenes.", "demo.md", commands=("demo",)),
    "rabbitmqctl": Topic("What differs from rabbitmqctl.", "rabbitmqctl.md"),
    "features": Topic("What rmqctl does beside the other tools.", "features.md"),
}

_BY_GUIDE = {topic.guide: name for name, topic in TOPICS.items() if topic.guide}


def index(paper: Paper) -> str:
    """The topics, each with what it is about."""
    rows = [(name, topic.about) for name, topic in TOPICS.items()]
    return text([*paper.heading("Topics (rmqctl help TOPIC):"), *paper.terms(rows)])


def page(words: Sequence[str], paper: Paper) -> str:
    """The page that the words name. Raises UsageError for a topic that does not exist."""
    from rmqctl.help.guide import shown

    name, *more = words
    topic = TOPICS.get(name.lower().replace("_", "-"))
    if topic is None:
        raise UsageError(_unknown(words))
    if topic.module:
        make: Callable[[Sequence[str]], str] = import_module(topic.module).__dict__[f"{name.lower()}_page"]
        return shown(make(more), _BY_GUIDE, paper)
    if more:
        raise UsageError(f"help: {name} is one topic: {' '.join(more)!r} is too much")
    return shown(source(topic.guide), _BY_GUIDE, paper)


def source(guide: str) -> str:
    """The Markdown of a guide."""
    return folder("docs").joinpath(*guide.split("/")).read_text(encoding="utf-8")


def guide_of(command: str) -> str:
    """The topic about a command: the one that names it, else the one that names its group; "" when there is none."""
    for wanted in (command, command.partition(" ")[0]):
        for name, topic in TOPICS.items():
            if wanted in topic.commands:
                return name
    return ""


def _unknown(words: Sequence[str]) -> str:
    from rmqctl.help.hints import meant
    from rmqctl.naming import closest

    said = " ".join(words)
    if topic := closest(said.lower(), TOPICS):
        return f"help: no command or topic {said!r}; did you mean {topic!r}?"
    if found := meant(words):
        return f"help: no command or topic {said!r}; did you mean {found!r}?"
    return f"help: no command or topic {said!r}; run rmqctl help for the topics"
