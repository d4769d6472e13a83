"""Which file imports which, read from the sources: at the top, in functions, and for type checkers alone."""

import ast
from collections.abc import Iterator, Mapping
from functools import cache

Arrows = Mapping[str, frozenset[str]]
"""By module: the modules of the same tree that it imports."""


def arrows(sources: Mapping[str, str]) -> Arrows:
    """`sources`: texts by the names of their modules; a package goes by its own name."""
    return {
        module: frozenset(found for name in imports(text) if (found := _module(name, sources)) not in (None, module))
        for module, text in sources.items()
    }


def imports(text: str, *, for_types: bool = True) -> Iterator[str]:
    """Everything that a source imports, wherever in it, with the names that it takes from there.

    Without `for_types` not what only type checkers read.
    """
    yield from (name for node, typing in _nodes(text) if for_types or not typing for name in _names(node))


def attributes(text: str) -> Iterator[str]:
    """The last words of everything like `a.b` in a source."""
    yield from (node.attr for node, _ in _nodes(text) if isinstance(node, ast.Attribute))


def calls(text: str) -> Iterator[str]:
    """What is called by names with a dot, as it is written."""
    for node, _ in _nodes(text):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield ast.unparse(node.func)


@cache
def _nodes(text: str) -> list[tuple[ast.AST, bool]]:
    """All of a source, which is parsed once; with whether it is for type checkers alone."""
    tree = ast.parse(text)
    typing = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for each in node.body
        for inner in ast.walk(each)
    }
    return [(node, node in typing) for node in ast.walk(tree)]


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute here"
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def circles(found: Arrows) -> list[list[str]]:
    """The groups of modules that lead to each other: their names in order."""
    reach = {module: _reachable(module, found) for module in found}
    groups = {
        frozenset(other for other in reach[module] if module in reach[other])
        for module in found
        if module in reach[module]
    }
    return sorted(sorted(group) for group in groups)


def _reachable(start: str, found: Arrows) -> set[str]:
    seen: set[str] = set()
    todo = list(found[start])
    while todo:
        module = todo.pop()
        if module not in seen:
            seen.add(module)
            todo += found[module]
    return seen


def _module(name: str, sources: Mapping[str, str]) -> str | None:
    """`a.b.c` is the module of that name, or something in `a.b`."""
    while name and name not in sources:
        name = name.rpartition(".")[0]
    return name or None
