"""What rabbitmqctl wrote on real brokers (banners taken away), written again from the values in its JSON."""

import json
from pathlib import Path

import pytest

from rmqctl.output import FORMATS
from rmqctl.output.style import Style
from rmqctl.result import Rows
from rmqctl.terms import Address, ErlangMap, JsonText, Keywords

GOLDEN = Path(__file__).parents[2] / "golden" / "output"
FILES = sorted(GOLDEN.glob("*/*"), key=str)
TERMS = {
    "cluster_state": Keywords,
    "metadata": ErlangMap,
    "definition": lambda definition: JsonText(json.loads(definition)),
    "peer_host": lambda parts: Address(".".join(map(str, parts))),
}


def read(file: Path) -> str:
    """The file without 3.10's slip: it writes U+0001 as another character."""
    return file.read_bytes().decode().replace("\\u1000", "\\u0001")


def recorded(file: Path) -> Rows:
    """The rows of the JSON file beside the given one; the columns are in the order of the table."""
    columns = tuple(read(file.with_suffix(".table")).split("\n")[0].split("\t"))
    objects = json.loads(read(file.with_suffix(".json")))
    cells = [[TERMS.get(name, lambda cell: cell)(item[name]) for name in columns] for item in objects]
    return Rows(columns, cells)


def written(file: Path) -> str:
    return "".join(FORMATS[file.suffix[1:]].load().rows(recorded(file), Style()))


def name(file: Path) -> str:
    return f"{file.parent.name}-{file.name}"


def exact(file: Path) -> bool:
    """Releases since 4.0 write the keys of JSON objects in no particular order."""
    return file.suffix in {".table", ".csv"} or file.parent.name == "3.10.8"


@pytest.mark.parametrize("file", [file for file in FILES if exact(file)], ids=name)
def test_same_bytes(file: Path) -> None:
    assert written(file) == read(file)


@pytest.mark.parametrize("file", [file for file in FILES if not exact(file)], ids=name)
def test_same_lines_with_keys_in_another_order(file: Path) -> None:
    ours, theirs = written(file).split("\n"), read(file).split("\n")
    assert len(ours) == len(theirs)
    for our, their in zip(ours, theirs, strict=True):
        assert our[:1] == their[:1]
        if "{" in our:
            assert json.loads(our.removeprefix(",")) == json.loads(their.removeprefix(","))
