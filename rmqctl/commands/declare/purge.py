"""purge QUEUE...: by name, or by what list_queues shows."""

from collections.abc import Sequence
from typing import Annotated, Any

from rmqctl.api import queues as api
from rmqctl.api.client import Client
from rmqctl.commands.declare.delete import Queues, fetch_queues
from rmqctl.commands.kit.admin_words import names_of
from rmqctl.commands.kit.arguments import Match
from rmqctl.commands.kit.bulk import (
    AllVhosts,
    Choice,
    Done,
    DryRun,
    FailFast,
    Job,
    Where,
    Work,
    ask,
    matching,
    perform,
)
from rmqctl.commands.kit.confirming import Yes
from rmqctl.resources.queues import QUEUES
from rmqctl.result import Result
from rmqctl.session import Session

Counts = dict[tuple[str, str], Any]
"""Ready messages by virtual host and name."""


def purge(
    session: Session,
    queues: Queues = None,
    where: Where = None,
    match: Match = None,
    all_vhosts: AllVhosts = False,
    dry_run: DryRun = False,
    fail_fast: FailFast = False,
    yes: Annotated[bool, Yes] = False,
) -> Result:
    """Remove the ready messages of queues: DELETE /api/queues/VHOST/NAME/contents.

    Messages that a consumer has not acknowledged yet stay. The counts are those of the moment before. rabbitmqadmin's
    `purge queue NAME` is about one queue, too.
    """
    session, names = names_of(session, _queues(queues or ()))
    choice = Choice(names, where, match, all_vhosts)
    choice.check()
    chosen = [(session.vhost, name) for name in dict.fromkeys(choice.names)]
    if choice.by_expression:
        # A stream cannot be purged.
        rows = matching(session, QUEUES, fetch_queues, choice, fields=("name", "type"))
        chosen = [(row.get("vhost", session.vhost), row["name"]) for row in rows if row.get("type") != "stream"]
    vhosts = {vhost for vhost, _ in chosen}
    counts: Counts = {}
    jobs = [_job(session.client, vhost, name, counts, named_vhost=all_vhosts) for vhost, name in chosen]
    work = Work(
        ("purge", "purged"), "queue", "queues", ("vhost", "name") if all_vhosts else ("name",), jobs, ("messages",)
    )
    if not dry_run:
        ask(session, work, single=choice.single, yes=yes, vhost=None if all_vhosts else session.vhost)
    for vhost in vhosts:
        found = api.fetch(session.client, vhost, ("messages_ready",), totals=True, statistics=False)
        counts.update(((vhost, row["name"]), row.get("messages_ready")) for row in found.rows)
    return perform(session, work, dry_run=dry_run, fail_fast=fail_fast)


def _queues(words: Sequence[str]) -> Sequence[str]:
    """Without the word for what is purged, which is a queue's name when it stands alone."""
    return words[1:] if len(words) > 1 and words[0] == "queue" else words


def _job(client: Client, vhost: str, name: str, counts: Counts, *, named_vhost: bool) -> Job:
    def do() -> Done:
        api.purge(client, vhost, name)
        return Done("purged", (counts.get((vhost, name)),))

    return Job((vhost, name) if named_vhost else (name,), do)
