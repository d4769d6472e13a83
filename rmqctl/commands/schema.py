"""`schema COMMAND`: the JSON schema of a command's output."""

from typing import Annotated

import typer

from rmqctl.errors import UsageError
from rmqctl.naming import closest
from rmqctl.result import Value
from rmqctl.session import Session

Words = Annotated[
    list[str], typer.Argument(metavar="COMMAND", help="A list, show KIND, check NAME or who.", show_default=False)
]


def schema(session: Session, words: Words) -> Value:  # noqa: ARG001
    """Print the JSON schema (2020-12) of what a command prints with -f json and -f jsonl.

    The lists, show, check and who have one. $defs/json describes the whole output of -f json, $defs/jsonl each line of -f jsonl.
    """
    import json

    from rmqctl.help.schemas import names, schema_of

    known = names()
    name = " ".join(words).replace("-", "_")
    if name not in known:
        close = closest(name, known)
        hint = f"did you mean {close!r}?" if close else "the lists, show, check and who have one"
        raise UsageError(f"schema: {name!r} has no schema; {hint}")
    found = schema_of(name)
    return Value(found, json.dumps(found, indent=2))
