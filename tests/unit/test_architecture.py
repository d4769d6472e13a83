"""The arrows between the modules point one way, and the command table names what exists."""

from importlib import import_module
from pathlib import Path

import pytest

import rmqctl
from rmqctl.commands import COMMANDS
from rmqctl.options import GLOBAL_OPTIONS
from rmqctl.output import FORMATS

from .arrows import arrows, attributes, calls, circles, imports

PACKAGE = Path(rmqctl.__file__).parent

# From the bottom to the top: a module imports from its own layer and from those below.
LAYERS = (
    ("record", "errors", "children", "units", "naming", "terms", "result", "matching", "stdio", "shipped", "broker"),
    ("output", "options", "resources", "topology", "checks", "graph"),
    ("contexts", "rabbitmqadmin_conf"),
    ("settings", "streams"),
    ("passwords", "api"),
    ("session", "signals"),
    ("amqp", "top"),
    ("pager", "execute", "demo", "commands", "watch", "help"),
    ("words", "render"),
    ("cli",),
    ("__main__",),
)
HEIGHT = {name: height for height, layer in enumerate(LAYERS) for name in layer}

# The embedded broker's own: what each of its folders may import of the others.
BROKER = {
    "memory": frozenset[str](),
    "core": frozenset[str](),
    "amqp": frozenset(("core",)),
    "storage": frozenset(("core",)),
    "management": frozenset(("core", "amqp", "memory")),
    "process": frozenset(("core", "amqp", "storage", "management", "memory")),
}
# What the core needs of the outside: no loop, no file, no socket, no clock and no chance. Where a log goes is not its own.
OF_CORE = {
    *(
        "base64",
        "binascii",
        "bisect",
        "collections",
        "contextlib",
        "datetime",
        "decimal",
        "enum",
        "functools",
        "hashlib",
        "heapq",
    ),
    *(
        "hmac",
        "itertools",
        "json",
        "logging",
        "math",
        "operator",
        "pamqp",
        "re",
        "regex",
        "struct",
        "types",
        "typing",
        "weakref",
        "zlib",
    ),
}


def name_of(path: Path) -> str:
    """A module's name: rmqctl.api.queues."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


SOURCES = {name_of(path): path.read_text(encoding="utf-8") for path in modules()}
ARROWS = arrows(SOURCES)


def part(module: str) -> str:
    """The first name below rmqctl: the folder or the module."""
    return module.split(".")[1] if "." in module else "__init__"


def upward(found: dict[str, frozenset[str]]) -> list[str]:
    """The arrows that point to a higher layer."""
    return [
        f"{module} imports {there}"
        for module, targets in found.items()
        for there in targets
        if module != "rmqctl" and there != "rmqctl" and HEIGHT[part(there)] > HEIGHT[part(module)]
    ]


def out_of_place(found: dict[str, frozenset[str]]) -> list[str]:
    """The arrows between the broker's folders that BROKER does not have."""
    return [
        f"{module} imports {there}"
        for module, targets in found.items()
        for there in targets
        if (here := folder(module)) and (other := folder(there)) and other != here and other not in BROKER[here]
    ]


def folder(module: str) -> str:
    """Of a module of the broker."""
    parts = module.split(".")
    return parts[2] if parts[1:2] == ["broker"] and len(parts) > 2 else ""


def beyond_core(text: str) -> list[str]:
    """What a module of the core imports, or asks of a clock, that it may not."""
    outside = [name for name in imports(text) if name.split(".")[0] not in OF_CORE | {"rmqctl"}]
    return outside + [name for name in attributes(text) if name in ("utcnow", "today")]


def test_arrows_point_down() -> None:
    assert upward(dict(ARROWS)) == []


def test_there_are_no_circles() -> None:
    assert circles(ARROWS) == []


def test_the_brokers_folders_know_each_other_one_way() -> None:
    assert out_of_place(dict(ARROWS)) == []
    assert {folder(module) for module in SOURCES} - {""} == set(BROKER)


@pytest.mark.parametrize("module", [name for name in SOURCES if name.startswith("rmqctl.broker.core")])
def test_the_core_has_no_loop_no_file_no_clock_and_no_chance(module: str) -> None:
    assert beyond_core(SOURCES[module]) == []


LATE = "def f() -> None:\n    from {} import x"
FOR_TYPES = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from {} import x"


@pytest.mark.parametrize("how", ["from {} import x", LATE, FOR_TYPES, "import {}"])
@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("core.definitions", "management.policies"),
        ("core.policies", "management.web"),
        ("core.broker", "amqp.channel"),
        ("core.queue", "amqp.connection"),
        ("amqp.channel", "management.messages"),
        ("storage.store", "process.server"),
    ],
)
def test_an_arrow_that_points_up_in_the_broker_is_found(here: str, there: str, how: str) -> None:
    here, there = f"rmqctl.broker.{here}", f"rmqctl.broker.{there}"
    found = arrows({**SOURCES, here: SOURCES[here] + "\n" + how.format(there)})
    assert out_of_place(dict(found)) == [f"{here} imports {there}"]


@pytest.mark.parametrize("how", ["from {} import x", LATE, FOR_TYPES, "import {}"])
@pytest.mark.parametrize(
    ("here", "there"),
    [("core.message", "core.queue"), ("core.queue", "core.vhost"), ("management.web", "management.app")],
)
def test_a_circle_is_found(here: str, there: str, how: str) -> None:
    here, there = f"rmqctl.broker.{here}", f"rmqctl.broker.{there}"
    (circle,) = circles(arrows({**SOURCES, here: SOURCES[here] + "\n" + how.format(there)}))
    assert {here, there} <= set(circle)


@pytest.mark.parametrize(
    "text",
    [
        "import random",
        "from time import time",
        "import asyncio",
        "import os",
        "import sqlite3",
        "import starlette.requests",
    ],
)
def test_a_clock_or_chance_in_the_core_is_found(text: str) -> None:
    assert beyond_core(text) != []


def test_every_module_has_a_place_in_the_layers() -> None:
    assert {part(module) for module in SOURCES} - {"__init__"} == set(HEIGHT)


@pytest.mark.parametrize(
    ("library", "allowed"),
    [
        ("httpx", {"api"}),
        ("rich", {"output", "commands", "demo", "top", "watch", "help"}),
        ("textual", {"top", "commands"}),
        ("typer", {"cli", "commands", "session"}),
        ("tomlkit", {"contexts"}),
        ("subprocess", {"passwords", "pager", "execute", "broker", "demo"}),
    ],
)
def test_a_library_is_used_in_its_place_only(library: str, allowed: set[str]) -> None:
    users = {
        part(name)
        for name, text in SOURCES.items()
        if any(each.split(".")[0] == library for each in imports(text, for_types=False))
    }
    assert users <= allowed


def composed(text: str) -> list[str]:
    """Where a source composes a request of the HTTP API itself: the names that it imports for that, or calls."""
    asked = [name for name in calls(text) if name.endswith((".request", ".get_text", ".get_ahead", "client.get"))]
    return [name for name in imports(text) if name.startswith("rmqctl.api.paths")] + asked


@pytest.mark.parametrize(
    "module", [name for name in SOURCES if part(name) not in ("api", "broker", "rmqctl") and "." in name]
)
def test_requests_are_composed_in_the_api_alone(module: str) -> None:
    assert composed(SOURCES[module]) == []


@pytest.mark.parametrize(
    "text",
    [
        "from rmqctl.api.paths import path",
        "session.client.request('PUT', '/api/cluster-name')",
        "def f(client: Client) -> None:\n    client.get('/api/whoami')",
        "client.get_text('/metrics')",
    ],
)
def test_a_request_composed_elsewhere_is_found(text: str) -> None:
    assert composed(text) != []


def test_no_module_is_a_drawer_for_odds_and_ends() -> None:
    assert not {path.stem for path in modules()} & {"utils", "util", "helpers", "common", "misc"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_function(name: str) -> None:
    entry = COMMANDS[name]
    module = import_module(f"rmqctl.commands.{entry.module}")
    function = getattr(module, name.replace(" ", "_"), None) or module.command(name)
    assert callable(function)
    assert function.__doc__ or entry.help


def test_the_formatters_of_the_option_are_those_that_exist() -> None:
    (option,) = (each for each in GLOBAL_OPTIONS if each.name == "formatter")
    assert option.choices == tuple(FORMATS)
    for format_ in FORMATS.values():
        module = format_.load()
        assert callable(module.rows)
        assert callable(module.value)
