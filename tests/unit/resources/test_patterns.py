"""Regular expressions of options, and shell patterns in their place."""

import pytest

from rmqctl.errors import UsageError
from rmqctl.resources.patterns import compiled, of_glob


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("orders*", "^orders.*$"),
        ("*.dead", r"^.*\.dead$"),
        ("tmp-?", "^tmp-.$"),
        ("*", "^.*$"),
        ("orders", ""),
        ("orders.*", ""),
        ("^orders*", ""),
        ("(a|b)*", ""),
        ("[ab]?", ""),
        (r"\d*", ""),
        ("a**", ""),
    ],
)
def test_what_a_shell_pattern_means(text: str, meant: str) -> None:
    assert of_glob(text) == meant


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "--match is empty: a variable that is not set?"),
        ("(", "--match: '(' is no regular expression: "),
        ("*.dead", r"as a shell's pattern it is --match '^.*\\.dead$'"),
    ],
)
def test_what_is_no_regular_expression(text: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        compiled(text)
    assert said in str(error.value)
