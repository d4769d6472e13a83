"""Arguments and options that several commands share, as annotated types."""

from typing import Annotated

import typer

_SELECTION = "Selection"

AllVhosts = Annotated[
    bool, typer.Option("--all-vhosts", help="List every virtual host, with a vhost column.", rich_help_panel=_SELECTION)
]
Columns = Annotated[
    list[str] | None,
    typer.Argument(metavar="[COLUMN]...", help="Columns, separated by spaces or commas.", show_default=False),
]
Sort = Annotated[
    str | None,
    typer.Option(
        "--sort",
        metavar="COLUMN",
        help="Sort by columns (commas between); -COLUMN: descending.",
        rich_help_panel=_SELECTION,
    ),
]
Where = Annotated[
    str | None,
    typer.Option(
        "--where",
        metavar="EXPRESSION",
        help="Keep rows that match, such as 'messages > 0 and name ~ \"^orders\"'.",
        rich_help_panel=_SELECTION,
    ),
]
Match = Annotated[
    str | None,
    typer.Option(
        "--match",
        metavar="REGEX",
        help="Only names that match the regular expression.",
        rich_help_panel=_SELECTION,
    ),
]
Limit = Annotated[
    int | None, typer.Option("--limit", min=0, metavar="N", help="At most N rows.", rich_help_panel=_SELECTION)
]
Online = Annotated[bool, typer.Option("--online", help="Queues whose node is running.", rich_help_panel=_SELECTION)]
Offline = Annotated[bool, typer.Option("--offline", help="Queues whose node is down.", rich_help_panel=_SELECTION)]
Local = Annotated[bool, typer.Option("--local", help="Queues of the node that answers.", rich_help_panel=_SELECTION)]
