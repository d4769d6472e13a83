"""Topic patterns against regular expressions made of them."""

import re

from hypothesis import given
from hypothesis import strategies as st

from rmqctl.matching import Topics

WORDS = st.sampled_from(["a", "b", "", "ü"])
KEYS = st.lists(WORDS, max_size=5).map(".".join)
PATTERNS = st.lists(st.one_of(WORDS, st.sampled_from(["*", "#"])), max_size=5).map(".".join)


def matches(pattern: str, key: str) -> bool:
    """By a regular expression over words that each end in a dot."""
    words = pattern.split(".") if pattern else []
    one = {"*": r"[^.]*\.", "#": r"(?:[^.]*\.)*"}
    expression = "".join(one.get(word, re.escape(word) + r"\.") for word in words)
    return re.fullmatch(expression, "".join(f"{word}." for word in (key.split(".") if key else []))) is not None


@given(st.lists(PATTERNS, max_size=8), KEYS)
def test_the_trie_finds_what_the_expressions_match(patterns: list[str], key: str) -> None:
    topics: Topics[int] = Topics()
    for number, pattern in enumerate(patterns):
        topics.add(pattern, number)
    assert set(topics.match(key)) == {number for number, pattern in enumerate(patterns) if matches(pattern, key)}


@given(st.lists(PATTERNS, max_size=8, unique=True), st.data(), KEYS)
def test_what_was_removed_matches_no_more(patterns: list[str], data: st.DataObject, key: str) -> None:
    topics: Topics[str] = Topics()
    for pattern in patterns:
        topics.add(pattern, pattern)
    removed = data.draw(st.lists(st.sampled_from(patterns), unique=True)) if patterns else []
    for pattern in removed:
        topics.remove(pattern, pattern)
    left = set(patterns) - set(removed)
    assert set(topics.match(key)) == {pattern for pattern in left if matches(pattern, key)}


def test_many_hashes_do_not_take_for_ever() -> None:
    topics: Topics[str] = Topics()
    pattern = ".".join("#a" * 12)
    topics.add(".".join(["#", "a"] * 12), pattern)
    assert set(topics.match(".".join("a" * 60))) == {pattern}
    assert set(topics.match(".".join("a" * 59 + "b"))) == set()
