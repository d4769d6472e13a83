"""`top`: a live view of the broker in the terminal."""

from typing import Annotated

import typer

from rmqctl.errors import Unavailable, UsageError
from rmqctl.result import Nothing
from rmqctl.session import Session

TIMEOUT = 60.0
"""Seconds for one answer: a broker that hangs is to be told from one that is slow."""


def top(
    session: Session,
    interval: Annotated[
        float, typer.Option("--interval", min=0.1, metavar="SECONDS", help="Time between two samples.")
    ] = 2,
) -> Nothing:
    """Watch queues, connections, channels, nodes, exchanges and consumers live, full screen.

    Of all virtual hosts unless --vhost names one. Who forgets acknowledgements is shown in red, after about five seconds.
    Enter opens what is under the cursor, / filters, : goes to a virtual host, s sorts, f chooses columns, m looks at messages,
    n publishes, p purges, d deletes, c closes, ? shows all keys, q quits. The mouse works too.

    It needs a terminal and the library Textual: pip install 'rmqctl[top]', or '.[top]' in a checkout.
    """
    _check_terminal(session)
    try:
        import textual  # noqa: F401
    except ModuleNotFoundError as error:
        raise Unavailable(
            f"top needs the library {error.name}: pip install 'rmqctl[top]', or '.[top]' in a checkout"
        ) from None
    from rmqctl.top.app import Surroundings, Top, run
    from rmqctl.top.source import Source

    settings = session.settings
    client = session.client
    if client.timeout is None:
        client.timeout = TIMEOUT
    source = Source(client, settings.vhost)
    source.open()
    surroundings = Surroundings(settings.context, settings.read_only, settings.protected, session.color)
    app = Top(source, interval, surroundings)
    # What is written beside the picture spoils it.
    client.warn, client.log = app.tell, None
    return Nothing(exit_code=run(app))


def _check_terminal(session: Session) -> None:
    """Keys come by standard input, the picture goes to standard error."""
    instead = "list_queues --watch serves a pipe"
    if not (session.streams.attended and session.on_terminal):
        raise UsageError(f"top: standard input, output and error have to be a terminal; {instead}")
    if session.environ.get("TERM") == "dumb":
        raise UsageError(f"top: this terminal (TERM=dumb) cannot move its cursor; {instead}")
