"""Many things at once: which ones, a question before, several requests side by side, and what came of each."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext
from typing import Annotated, Any, NamedTuple

import typer

from rmqctl.commands.kit.confirming import confirm, confirm_if_protected
from rmqctl.commands.kit.interrupting import INTERRUPTED, until_interrupted
from rmqctl.commands.kit.listing import Fetch, Wanted, where_of
from rmqctl.commands.kit.progress import bar
from rmqctl.errors import RmqctlError, Unreachable, UsageError
from rmqctl.resources.column import Need, Object, Resource
from rmqctl.resources.patterns import compiled, glob_hint
from rmqctl.result import Live, Nothing, Result, Rows, Value
from rmqctl.session import Session

SIDE_BY_SIDE = 8
SHOWN = 20
PARTLY = 3

_PANEL = "Selection"

Where = Annotated[
    str | None,
    typer.Option(
        "--where", metavar="EXPRESSION", help="Those that match, such as 'messages = 0 and consumers = 0'.",
        rich_help_panel=_PANEL,
    ),
]  # fmt: skip
AllVhosts = Annotated[
    bool, typer.Option("--all-vhosts", help="Of every virtual host.", rich_help_panel=_PANEL)
]  # fmt: skip
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print what would be done.")]
IfExists = Annotated[bool, typer.Option("--if-exists", help="One that is not there is no error.")]
FailFast = Annotated[bool, typer.Option("--fail-fast", help="Stop at the first that fails.")]


class Done(NamedTuple):
    """What came of one. `more` are cells beside the result; `skipped`: there was nothing to do."""

    result: str
    more: tuple[Any, ...] = ()
    skipped: bool = False


class Job(NamedTuple):
    """One thing to do; `names` are the cells that tell which."""

    names: tuple[str, ...]
    do: Callable[[], Done]


class Work(NamedTuple):
    """Jobs of one kind. `does` is what happens to each: ("delete", "deleted"). `more` are columns beside the result."""

    does: tuple[str, str]
    noun: str
    plural: str
    columns: tuple[str, ...]
    jobs: Sequence[Job]
    more: tuple[str, ...] = ()

    @property
    def size(self) -> str:
        return f"{len(self.jobs)} {self.noun if len(self.jobs) == 1 else self.plural}"


# Which ones


class Choice(NamedTuple):
    """What of the command line says which ones are meant."""

    names: Sequence[str]
    where: str | None = None
    match: str | None = None
    all_vhosts: bool = False

    @property
    def by_expression(self) -> bool:
        return self.where is not None or self.match is not None

    @property
    def single(self) -> bool:
        return len(self.names) == 1 and not self.by_expression

    def check(self) -> None:
        """Raises UsageError when it says nothing, or two things at once."""
        if self.names and (self.by_expression or self.all_vhosts):
            raise UsageError("names go without --where, --match and --all-vhosts")
        if "" in self.names:
            raise UsageError("a name is empty: a variable that is not set?")
        if not self.names and not self.by_expression:
            raise UsageError("which ones? Give names, --where EXPRESSION or --match REGEX (--match . is all of them)")


def matching(
    session: Session,
    resource: Resource,
    fetch: Fetch,
    choice: Choice,
    *,
    name: Callable[[Object], str] = lambda row: str(row["name"]),
    fields: Iterable[str] = ("name",),
) -> list[Object]:
    """The rows of the lists that an expression chooses, of one virtual host or all, in the order of the lists."""
    where, columns = where_of(session, resource, choice.where)
    pattern = None if choice.match is None else compiled(choice.match)
    if choice.match is not None and (hint := glob_hint(choice.match, "--match")):
        session.say(f"note: --match is a regular expression; {hint}")
    read = {field for column in columns for field in column.fields}
    need = max((column.need for column in columns), default=Need.DEFINITION)
    vhost = None if choice.all_vhosts else session.vhost
    found = fetch(session.client, Wanted(vhost, frozenset({*fields, "vhost", *read}), need))
    for message in found.messages:
        session.say(message)
    return [
        row for row in found.rows if (where is None or where(row)) and (pattern is None or pattern.search(name(row)))
    ]


# The question


def ask(session: Session, work: Work, *, single: bool, yes: bool, vhost: str | None) -> None:
    """Shows what will be done to what, and asks. One that was named is asked about in a protected context alone."""
    if not work.jobs:
        return
    verb = work.does[0]
    if single:
        confirm_if_protected(session, f"{verb} {work.noun} {work.jobs[0].names[-1]!r}", yes=yes, vhost=vhost)
        return
    if session.streams.attended and (session.settings.protected or not yes):
        for job in work.jobs[:SHOWN]:
            session.say("  " + "  ".join(job.names))
        if len(work.jobs) > SHOWN:
            session.say(f"  and {len(work.jobs) - SHOWN} more")
    where = f" of virtual host {vhost!r}" if vhost is not None else ""
    confirm(session, f"{verb} {work.size}{where}", yes=yes, vhost=vhost)


# The work


class _Report:
    """What came of the jobs, in the order in which they ended."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.done: list[tuple[Job, Done]] = []
        self.failed: list[tuple[Job, RmqctlError]] = []
        self.left: list[Job] = []
        self.interrupted = False

    def row(self, job: Job, came: Done | RmqctlError | None) -> tuple[Any, ...]:
        """The cells of one; `came` None: it was not begun."""
        if isinstance(came, Done):
            return (*job.names, came.result, *(came.more or (None,) * len(self.work.more)))
        return (*job.names, "not begun" if came is None else f"error: {came}", *(None,) * len(self.work.more))

    def end(self) -> Nothing:
        """The exit code, with a line for stderr when not all was done."""
        done = len(self.done)
        if self.interrupted:
            return Nothing((f"rmqctl: interrupted: {done} of {self.work.size} done",), INTERRUPTED)
        if not self.failed:
            return Nothing()
        error = self.failed[0][1]
        text = f"{error}"
        if len(self.work.jobs) > 1:
            text = f"{done} of {self.work.size} {self.work.does[1]}, {len(self.failed)} failed; the first: {error}"
        return Nothing((f"rmqctl: {text}",), PARTLY if done else error.exit_code)

    def data(self) -> dict[str, Any]:
        columns = (*self.work.columns, "result", *self.work.more)
        ended = [(came.skipped, dict(zip(columns, self.row(job, came), strict=True))) for job, came in self.done]
        return {
            "succeeded": [row for skipped, row in ended if not skipped],
            "failed": [self._named(job) | {"reason": str(error)} for job, error in self.failed],
            "skipped": [
                *({**row, "reason": row["result"]} for skipped, row in ended if skipped),
                *(self._named(job) | {"reason": "not begun"} for job in self.left),
            ],
        }

    def _named(self, job: Job) -> dict[str, Any]:
        return dict(zip(self.work.columns, job.names, strict=True))


def perform(session: Session, work: Work, *, dry_run: bool, fail_fast: bool) -> Result:
    """Does the jobs, eight at a time, and tells what came of each.

    In a pipe a row is written when its job is done. An error leaves the others alone, unless `fail_fast`; a broker that
    cannot be reached any more ends it. On Ctrl-C the jobs under way come to their end.
    """
    if dry_run:
        cells = [(*job.names, f"would be {work.does[1]}", *(None,) * len(work.more)) for job in work.jobs]
        return Rows((*work.columns, "result", *work.more), cells)
    return perform_in_turn(session, work, [work.jobs], fail_fast=fail_fast)


def perform_in_turn(session: Session, work: Work, stages: Sequence[Sequence[Job]], *, fail_fast: bool) -> Result:
    """As `perform`, for jobs of which each stage needs those before."""
    columns = (*work.columns, "result", *work.more)
    report = _Report(work)
    rows = _rows(session, report, stages, fail_fast)
    form = session.format
    if form.streams and not session.on_terminal:
        return Live((Rows(columns, [row]) for row in rows), report.end)
    cells = list(rows)
    end = report.end()
    if form.nested and not form.streams:
        return Value(report.data(), messages=end.messages, exit_code=end.exit_code)
    return Rows(columns, cells, messages=end.messages, exit_code=end.exit_code)


def _rows(
    session: Session, report: _Report, stages: Sequence[Sequence[Job]], fail_fast: bool
) -> Iterator[tuple[Any, ...]]:
    """The row of each job when it has ended, then those that were not begun."""
    with (
        until_interrupted() as interrupted,
        _progress(session, report.work) as advance,
        ThreadPoolExecutor(SIDE_BY_SIDE) as pool,
    ):
        stopping = False
        for stage in stages:
            waiting = iter(stage)
            under_way: dict[Future[Done], Job] = {}
            while True:
                while (
                    not (stopping or interrupted()) and len(under_way) < SIDE_BY_SIDE and (job := next(waiting, None))
                ):
                    under_way[pool.submit(job.do)] = job
                if not under_way:
                    break
                for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                    job = under_way.pop(future)
                    came = _came(future)
                    if isinstance(came, Done):
                        report.done.append((job, came))
                    else:
                        report.failed.append((job, came))
                        stopping = stopping or fail_fast or isinstance(came, Unreachable)
                    advance()
                    # The error of the only one is told on stderr.
                    if len(report.work.jobs) > 1 or isinstance(came, Done):
                        yield report.row(job, came)
            report.left += waiting
        report.interrupted = interrupted()
    for job in report.left:
        yield report.row(job, None)


def _came(future: "Future[Done]") -> Done | RmqctlError:
    try:
        return future.result()
    except RmqctlError as error:
        return error


def _progress(session: Session, work: Work) -> AbstractContextManager[Callable[[], None]]:
    if len(work.jobs) <= SIDE_BY_SIDE:
        return nullcontext(lambda: None)
    return bar(session, f"{work.does[1]} {work.plural}", len(work.jobs))
