"""Regular expressions of users: what they find, and that none of them stops the broker."""

import logging
import sys
from time import process_time

import pytest

from rmqctl.broker.core.patterns import BadPattern, compiled, found

SLOW = [
    "(a+)+$",
    "(a|aa)+$",
    "(a|a)*b$",
    "^(a*)*b",
    "(a?){40}a{40}b",
    "(.*)*\\1b",
    "^(([a-z])+.)+[A-Z]([a-z])+$",
    "(a*)*(a*)*(a*)*b",
]


@pytest.mark.parametrize("pattern", SLOW)
def test_no_pattern_takes_long(pattern: str, caplog: pytest.LogCaptureFixture) -> None:
    """Each of these would take for ever on one of these names."""
    began = process_time()
    for _ in range(200):
        found(pattern, "a" * 200 + "!")
    assert process_time() - began < 30, "each search is ended, and after some of them none is made"
    warnings = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert len(warnings) <= 1, "it is said once"


@pytest.mark.parametrize(
    ("pattern", "text", "there"),
    [
        ("", "", True),
        (".*", "anything", True),
        ("^$", "", True),
        ("^$", "a", False),
        ("^q[0-9]+$", "q12", True),
        ("^q[0-9]+$", "q12b", False),
        (r"^(?!amq\.).*", "amq.direct", False),
        (r"^(?!amq\.).*", "orders", True),
        ("^(orders|invoices)\\.(eu|us)\\.[a-z]+$", "orders.eu.new", True),
        ("^(orders|invoices)\\.(eu|us)\\.[a-z]+$", "orders.cn.new", False),
        ("(a)(b)?\\1", "aba", True),
        ("ä+ö*ü?x+", "ääöx", True),
        ("(", "(", False),
    ],
)
def test_what_is_found(pattern: str, text: str, there: bool) -> None:
    assert found(pattern, text) is there


def test_case_may_be_ignored() -> None:
    assert compiled("(Q|r)+1$", ignore_case=True).found("qqR1")
    assert compiled("^Q", ignore_case=True).found("q1")


@pytest.mark.parametrize("pattern", ["(", "[a", "*", "(?P<a>x)(?P<a>y)", "(" * 5000, "a{5}{6}{7}" * 20_000])
def test_what_is_none(pattern: str) -> None:
    with pytest.raises(BadPattern):
        compiled(pattern)


def test_without_the_package_regex_a_pattern_that_needs_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "regex", None)
    compiled.cache_clear()
    with pytest.raises(BadPattern, match="needs the Python package regex, which is not installed"):
        compiled("(a+)+$")
    assert compiled("^a+$").found("aa")
