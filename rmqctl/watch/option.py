"""`--watch [SECONDS]`: an option whose value may be left out."""

import math
from collections.abc import Sequence

from rmqctl.errors import UsageError
from rmqctl.options import Sizes

FLAG = "--watch"
HELP = "Again every SECONDS [2], until Ctrl-C; what changed is marked."
METAVAR = "[SECONDS]"
SECONDS = "2"
LONGEST = 86_400.0
"""A day. What is to be seen more seldom belongs in cron."""
TIMEOUT = 60.0
"""Seconds that an answer may take when nobody says how many: a connection that is dead without a sign must not end it all."""


def size(words: Sequence[str], at: int) -> int:
    """Of how many words the option there consists."""
    return 1 + (at + 1 < len(words) and _is_number(words[at + 1]))


def joined(words: Sequence[str], sizes: Sizes) -> list[str]:
    """The words with each --watch and its value in one: `--watch 5` as `--watch=5`, without a number `--watch=2`.

    `sizes` are those of the command's options: a value may look like the flag.
    """
    if FLAG not in words:
        return list(words)
    found: list[str] = []
    at = 0
    while at < len(words) and words[at] != "--":
        if words[at] == FLAG:
            end = at + size(words, at)
            found.append(f"{FLAG}={[SECONDS, *words[at + 1 : end]][-1]}")
        else:
            end = at + sizes.get(words[at], 1)
            found += words[at:end]
        at = end
    return [*found, *words[at:]]


def _is_number(word: str) -> bool:
    try:
        return math.isfinite(float(word))
    except ValueError:
        return False


def seconds(text: str) -> float:
    """The option's value. Raises UsageError."""
    number = float(text) if _is_number(text) else 0.0
    if not 0 < number <= LONGEST:
        raise UsageError(f"{FLAG}: {text!r} is no number of seconds above 0 and up to {LONGEST:g}")
    return number
