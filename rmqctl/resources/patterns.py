"""Regular expressions as options have them, and the globs that people type in their place."""

import re

from rmqctl.errors import UsageError

_OF_REGEX = re.compile(r"[\^$()\[\]{}|+\\]|\.\*|\.\?|\*\*")
_STAR = re.compile(r"[*?]")


def compiled(regex: str, option: str = "--match") -> re.Pattern[str]:
    """Raises UsageError, for an empty one too: that would be everything where a variable is not set."""
    if not regex:
        raise UsageError(f"{option} is empty: a variable that is not set? {option} . is all of them")
    try:
        return re.compile(regex)
    except (re.error, OverflowError, RecursionError) as error:
        meant = f"; {hint}" if (hint := glob_hint(regex, option)) else ""
        raise UsageError(f"{option}: {regex!r} is no regular expression: {error}{meant}") from None


def glob_hint(text: str, option: str) -> str:
    """What to say of a text that looks like a shell's pattern, where a regular expression is meant; "" for others."""
    meant = of_glob(text)
    return f"as a shell's pattern it is {option} {meant!r}" if meant else ""


def of_glob(text: str) -> str:
    """The regular expression of a shell's pattern; "" for a text that does not look like one."""
    if not _STAR.search(text) or _OF_REGEX.search(text):
        return ""
    words = {"*": ".*", "?": "."}
    return "^" + "".join(words.get(letter, re.escape(letter).replace(r"\-", "-")) for letter in text) + "$"
