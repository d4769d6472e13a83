"""Before something is lost: a question on a terminal, --yes in a script."""

from collections.abc import Iterable

import typer

from rmqctl.errors import UsageError
from rmqctl.session import Session

Yes = typer.Option("--yes", "-y", help="Do it without asking; scripts need it.")


def confirm(session: Session, what: str, *, yes: bool, vhost: str | None = None) -> None:
    """Returns when `what` ("delete 12 queues of virtual host '/'") may be done.

    A context marked `protected = true` wants the name of the virtual host (of the context, when `vhost` is None) typed
    instead of a y on a terminal, --yes or not. Raises UsageError when nobody is there to ask, typer.Abort on a no.
    """
    if yes and not (session.settings.protected and session.streams.stdin.isatty()):
        return
    if session.settings.protected:
        word = vhost if vhost is not None else session.settings.context
        answer = session.ask(f"About to {what}. The context is protected: type {word!r} to go on: ")
        agreed = answer == word
    else:
        answer = session.ask(f"About to {what}. Go on? [y/N] ")
        agreed = (answer or "").lower() in ("y", "yes")
    if answer is None:
        raise UsageError(f"about to {what}: --yes is needed where nobody can be asked")
    if not agreed:
        raise typer.Abort


def confirm_if_protected(session: Session, what: str, *, yes: bool, vhost: str | None = None) -> None:
    """As `confirm`, for what rabbitmqctl does without asking: only a protected context is asked about."""
    if session.settings.protected:
        confirm(session, what, yes=yes, vhost=vhost)


def confirm_loss(session: Session, policy: str, settings: Iterable[str], *, yes: bool, vhost: str) -> None:
    """Asks a protected context about a policy by whose settings queues can drop messages."""
    from rmqctl.resources.policies import DROPPING

    if dropping := sorted(DROPPING.intersection(settings)):
        confirm_if_protected(
            session, f"set {policy}, which can drop messages ({', '.join(dropping)})", yes=yes, vhost=vhost
        )
