"""The picture: well-formed whatever the names are, without scripts, and legible without colours of the page."""

import unicodedata
import xml.etree.ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ..conftest import run_with
from .world import binding, exchange, queue, world

SVG = "{http://www.w3.org/2000/svg}"


def drawn(*argv: str, **other: list[object]) -> ET.Element:
    return ET.fromstring(run_with("topology", "-f", "svg", *argv, broker=world(**other)).out)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.text(min_size=1, max_size=80), st.text(max_size=80))
def test_any_name_and_any_key(name: str, key: str) -> None:
    rows = {"exchanges": [exchange(name, "direct")], "bindings": [binding(name, name, key)], "queues": [queue(name)]}
    for format_ in ("svg", "dot", "mermaid", "table"):
        broker = world(**rows, consumers=[], policies=[])
        broker.answers["GET /api/overview"] = {}
        ran = run_with("topology", "-f", format_, broker=broker)
        assert (ran.exit, ran.err) == (0, "")
        assert not {unicodedata.category(character) for character in ran.out.replace("\n", "")} & {"Cc", "Cs"}
        if format_ == "svg":
            root = ET.fromstring(ran.out)
            assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
                "svg", "title", "style", "rect", "g", "text", "path",
            }  # fmt: skip


def test_strange_names_are_text() -> None:
    names = [element.text for element in drawn().iter(f"{SVG}text") if element.get("class") == "name"]
    assert names.count('a b/ü <script>&"\\t\\') == 2


def test_long_names_are_shortened_and_whole_in_the_tooltip() -> None:
    long = "service." * 30
    root = drawn(exchanges=[exchange(long, "topic")], bindings=[binding(long, "q", "key." * 60)], queues=[queue("q")])
    texts = [element.text or "" for element in root.iter(f"{SVG}text")]
    assert not [text for text in texts if len(text) > 40]
    assert [text for text in texts if text.startswith("service.") and "…" in text]
    whole = [element.text or "" for element in root.iter(f"{SVG}title")]
    assert f"{long}: topic" in whole
    assert f"'{'key.' * 60}'" in whole


def test_every_box_lies_within_the_picture() -> None:
    root = drawn()
    width, height = float(root.get("width", "")), float(root.get("height", ""))
    boxes = [rect for rect in root.iter(f"{SVG}rect") if rect.get("class") != "paper"]
    assert boxes
    for rect in boxes:
        assert float(rect.get("x", "")) + float(rect.get("width", "")) <= width
        assert float(rect.get("y", "")) + float(rect.get("height", "")) <= height


@pytest.mark.parametrize("format_", ["svg", "dot", "mermaid", "table"])
def test_nothing_to_draw(format_: str) -> None:
    broker = world(exchanges=[exchange("", "direct")], bindings=[], queues=[], consumers=[])
    ran = run_with("topology", "-f", format_, broker=broker)
    assert (ran.exit, ran.err) == (0, "")
    assert "virtual host /" in ran.out
