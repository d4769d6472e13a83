"""The arrows between the modules point one way, and the command table names what exists."""

import ast
import io
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import rmqctl
from rmqctl.cli import build
from rmqctl.commands import COMMANDS
from rmqctl.options import FORMATTERS, VALUE_FLAGS
from rmqctl.output import FORMATS
from rmqctl.session import Session
from rmqctl.watch import option

PACKAGE = Path(rmqctl.__file__).parent

# From the bottom to the top: a module imports from its own layer and from those below.
LAYERS = (
    ("record", "errors", "terms", "result", "options", "matching", "broker"),
    ("output", "resources", "topology", "checks", "graph"),
    ("contexts", "rabbitmqadmin_conf"),
    ("settings",),
    ("passwords", "api"),
    ("session", "signals"),
    ("amqp", "top"),
    ("pager", "execute", "demo", "commands", "watch"),
    ("words",),
    ("cli",),
    ("__main__",),
)
HEIGHT = {name: height for height, layer in enumerate(LAYERS) for name in layer}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def part(path: Path) -> str:
    """The first name below rmqctl: the folder or the module."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """Everything that a module imports at run time, wherever in it. What only type checkers read is left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: imports are absolute here"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_arrows_point_down(path: Path) -> None:
    here = part(path)
    if here == "__init__":
        return
    for name in imports(path):
        first, _, rest = name.partition(".")
        if first == "rmqctl" and rest and not rest.startswith("__version__"):
            there = rest.partition(".")[0]
            assert HEIGHT[there] <= HEIGHT[here], f"{path.relative_to(PACKAGE)} imports {name}, which is above it"


def test_every_module_has_a_place_in_the_layers() -> None:
    assert {part(path) for path in modules()} - {"__init__"} == set(HEIGHT)


@pytest.mark.parametrize(
    ("library", "allowed"),
    [
        ("httpx", {"api"}),
        ("rich", {"output", "commands", "demo", "top", "watch"}),
        ("textual", {"top", "commands"}),
        ("typer", {"cli", "commands", "session"}),
        ("tomlkit", {"contexts"}),
        ("subprocess", {"passwords", "pager", "execute", "broker", "demo"}),
    ],
)
def test_a_library_is_used_in_its_place_only(library: str, allowed: set[str]) -> None:
    users = {part(path) for path in modules() if any(name.split(".")[0] == library for name in imports(path))}
    assert users <= allowed


def test_no_module_is_a_drawer_for_odds_and_ends() -> None:
    assert not {path.stem for path in modules()} & {"utils", "util", "helpers", "common", "misc"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_function(name: str) -> None:
    entry = COMMANDS[name]
    module = import_module(f"rmqctl.commands.{entry.module}")
    function = getattr(module, name.replace(" ", "_"), None) or module.command(name)
    assert callable(function)
    assert function.__doc__ or entry.help


def test_every_option_with_a_value_is_known_ahead_of_the_command() -> None:
    """Else `--within 3 check_certificate_expiration` would take the 3 for the command.

    The value of --watch may be left out: it is put into one word with its flag before.
    """
    session = Session(io.StringIO(), io.StringIO(), io.StringIO(), {})
    missing = {
        flag
        for name, entry in COMMANDS.items()
        if not entry.raw
        for parameter in build(name, entry, session).params
        if parameter.param_type_name == "option" and not getattr(parameter, "is_flag", False)
        for flag in parameter.opts
        if flag not in VALUE_FLAGS and flag != option.FLAG
    }
    assert missing == set()


def test_the_formatters_of_the_option_are_those_that_exist() -> None:
    assert tuple(FORMATS) == FORMATTERS
    for format_ in FORMATS.values():
        module = format_.load()
        assert callable(module.rows)
        assert callable(module.value)
