"""Which command was meant by words that are none: other tools' words for it, in either order."""

from collections.abc import Iterator, Sequence

from rmqctl.commands import COMMANDS
from rmqctl.naming import closest

_VERBS = {
    "list": "list", "ls": "list", "all": "list",
    "show": "show", "describe": "show", "get": "show", "info": "show", "inspect": "show",
    "add": "add", "create": "add", "new": "add", "declare": "add", "make": "add",
    "delete": "delete", "del": "delete", "rm": "delete", "remove": "delete", "destroy": "delete", "clear": "delete",
    "set": "set", "update": "set", "edit": "set", "change": "set",
    "purge": "purge", "empty": "purge", "close": "close", "kill": "close", "use": "use", "switch": "use",
    "status": "status", "export": "export", "import": "import", "diff": "diff", "apply": "apply",
}  # fmt: skip
_TRIED = {
    "list": ("list_{many}", "{one} list"),
    "show": ("show {one}", "{one} show", "list_{many}"),
    "add": ("{one} add", "add_{one}", "declare {one}", "declare {many}", "set_{one}"),
    "delete": ("{one} remove", "delete {one}", "delete {many}", "clear_{one}"),
    "set": ("set_{one}", "set_{many}", "declare {one}", "update_{one}_metadata"),
    "purge": ("purge",),
    "close": ("close {one}",),
    "use": ("{one} use",),
    "status": ("{one}_status", "show {one}"),
    "export": ("{many} export",),
    "import": ("{many} import", "{one} import"),
    "diff": ("{many} diff",),
    "apply": ("{many} apply",),
}
"""By verb: the commands that may be meant, of one thing or of many."""
_NOUNS = {
    "queue": "queues", "exchange": "exchanges", "binding": "bindings", "consumer": "consumers",
    "connection": "connections", "channel": "channels", "vhost": "vhosts", "user": "users",
    "permission": "permissions", "topic_permission": "topic_permissions", "policy": "policies",
    "operator_policy": "operator_policies", "parameter": "parameters", "global_parameter": "global_parameters",
    "node": "nodes", "plugin": "plugins", "feature_flag": "feature_flags", "context": "contexts",
    "definition": "definitions", "stream": "streams", "cluster": "clusters", "check": "checks",
    "shovel": "shovels", "limit": "limits",
}  # fmt: skip
_NOUN_OF = {word: one for one, many in _NOUNS.items() for word in (one, many)} | {"virtual_host": "vhost"}
_WORDS = {
    "ls": "list_queues", "ps": "list_connections", "stats": "overview", "info": "overview", "summary": "overview",
    "health": "check all", "healthcheck": "check all", "doctor": "check all", "monitor": "top", "watch": "top",
    "dashboard": "top", "send": "publish", "pub": "publish", "produce": "publish", "receive": "consume",
    "sub": "consume", "subscribe": "consume", "read": "peek", "tail": "tap", "trace": "topology", "graph": "topology",
    "login": "context add", "config": "context show", "ctx": "context list", "contexts": "context list",
    "backup": "definitions export", "dump": "definitions export", "restore": "definitions import",
    "logs": "log_location", "perf_test": "bench", "perftest": "bench", "dlq": "redrive", "requeue": "redrive",
    "create": "declare queue", "rm": "delete queue", "unacked": "who", "plugins": "list_plugins",
    "shovels": "shovel_status", "federation": "federation_status", "nodes": "list_nodes", "cluster": "cluster_status",
    "ready": "wait broker", "tutorial": "demo", "server": "broker start", "serve": "broker start", "up": "broker start",
    "start": "broker start", "down": "broker stop", "describe": "show queue", "memory": "memory_breakdown",
    "compare": "definitions diff", "cmp": "definitions diff", "diff": "definitions diff", "replay": "redrive",
    "dead": "redrive", "dead_letter": "redrive", "deadletters": "redrive", "empty": "purge", "stuck": "check acks",
    "acks": "check acks", "ack": "check acks", "forgotten": "check acks", "unacknowledged": "check acks",
    "streams": "list_queues", "stream": "show queue", "definition": "definitions export",
}  # fmt: skip
"""Words of other tools, and of people, that no rule leads to a command."""


def meant(words: Sequence[str]) -> str | None:
    """The command that the words, which name none, were most likely meant for. None when nothing is like them."""
    said = [word.lower().replace("-", "_") for word in words if not word.startswith("-")][:2]
    known = offered()
    for candidate in _candidates(said):
        if candidate in known:
            return candidate
    if not said:
        return None
    heads = {name.partition(" ")[0] for name in known}
    return closest(" ".join(said), known, 0.75) or closest(said[0], known | heads)


def offered() -> set[str]:
    """The commands that a hint may name: none that is hidden, or that this program cannot run."""
    return {name for name, entry in COMMANDS.items() if entry.offered}


def _candidates(said: Sequence[str]) -> Iterator[str]:
    for first, second in (said, said[::-1]) if len(said) == 2 else ():
        if first in _VERBS and (noun := _NOUN_OF.get(second)):
            yield from (each.format(one=noun, many=_NOUNS[noun]) for each in _TRIED[_VERBS[first]])
    yield " ".join(said)
    if said and (noun := _NOUN_OF.get(said[0])):
        of_one = ("show {one}", "list_{many}")
        yield from (each.format(one=noun, many=_NOUNS[noun]) for each in (of_one if said[0] == noun else of_one[::-1]))
    if said and said[0] in _WORDS:
        yield _WORDS[said[0]]
