"""Commands about definitions."""

import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from rmqctl.api import definitions as api
from rmqctl.api.client import Client
from rmqctl.commands.kit.bulk import Done, DryRun, Job, Work, perform_in_turn
from rmqctl.commands.kit.confirming import Yes, confirm, confirm_if_protected
from rmqctl.errors import AccessRefused, ConfigError, DataError, RmqctlError, Unavailable, UsageError
from rmqctl.output import TERMINAL
from rmqctl.output.escape import visible
from rmqctl.record import Record
from rmqctl.result import Nothing, Result, Rows, Value
from rmqctl.session import Session
from rmqctl.settings import resolve
from rmqctl.topology import documents, releases
from rmqctl.topology.checking import check_declared
from rmqctl.topology.documents import Document
from rmqctl.topology.items import Key
from rmqctl.topology.obstacles import OF_AMQP, PLUGINS, Obstacle, Surroundings, obstacles
from rmqctl.topology.plan import DELETE, RECREATE, Change, Difference, differences, plan, shown, stages
from rmqctl.topology.transformations import transform

DIFFERENT = 1
STDIN = "-"

File = Annotated[str, typer.Argument(metavar="[FILE|-]", help="A file; - is standard input or output.")]
RabbitmqctlFile = Annotated[str, typer.Argument(metavar="FILE", help="A file; - is standard input or output.")]
Format = Annotated[str, typer.Option("--format", metavar="FORMAT", help="json.")]


def definitions_export(
    session: Session,
    file: File = STDIN,
    only: Annotated[
        str | None, typer.Option("--only", metavar="SECTIONS", help="These alone: queues,policies.", show_default=False)
    ] = None,
    exclude: Annotated[
        str | None, typer.Option("--exclude", metavar="SECTIONS", help="All but these: users.", show_default=False)
    ] = None,
    secrets: Annotated[
        bool | None,
        typer.Option(
            "--secrets/--no-secrets",
            help="Password hashes and passwords in URIs; not on a terminal by default.",
            show_default=False,
        ),
    ] = None,
    no_system: Annotated[
        bool, typer.Option("--no-system", help="Without amq.* and what identifies the cluster.")
    ] = False,
    transformations: Annotated[
        str | None, typer.Option("--transformations", metavar="NAMES", help="rabbitmqadmin's.", show_default=False)
    ] = None,
) -> Result:
    """Write definitions in a stable order, with -p those of one virtual host: GET /api/definitions and /api/definitions/VHOST.

    A file is replaced as a whole, readable by its owner alone.
    """
    wanted, unwanted = documents.sections(only, "--only"), documents.sections(exclude, "--exclude")
    transform({}, transformations)
    document = transform(api.fetch(session.client, session.settings.vhost), transformations)
    document = documents.selected(document, wanted, unwanted)
    if no_system:
        document = documents.without_system(document)
    if secrets is False or (secrets is None and file == STDIN and session.on_terminal):
        document = documents.without_secrets(document)
    return _put(session, document, file)


def export_definitions(session: Session, file: RabbitmqctlFile, format_: Format = "json") -> Result:
    """Write the definitions of the whole cluster as JSON: GET /api/definitions."""
    _check_format(format_)
    session.hint(f"Exporting definitions in JSON to a file at {_quoted(file)} ...")
    return _put(session, api.fetch(session.client), file)


def _put(session: Session, document: Document, file: str) -> Result:
    text = documents.written(document)
    if file == STDIN:
        return Value(documents.ordered(document), text)
    try:
        _replace(Path(file), f"{text}\n")
    except OSError as error:
        raise DataError(f"{file}: cannot be written: {error.strerror}") from None
    session.hint(f"Written to {file}.")
    return Nothing()


def _replace(path: Path, text: str) -> None:
    """Writes a file beside it, readable by its owner alone, that then takes its place."""
    from tempfile import mkstemp

    if path.exists() and not stat.S_ISREG(path.stat().st_mode):  # /dev/stdout, a named pipe
        path.write_text(text, encoding="utf-8")
        return
    target = path.resolve()
    number, name = mkstemp(prefix=f".{target.name}.", dir=target.parent)
    beside = Path(name)
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(number)
        beside.replace(target)
    except BaseException:
        beside.unlink()
        raise


def definitions_import(session: Session, file: File = STDIN, yes: Annotated[bool, Yes] = False) -> Result:
    """Add what a file has, with -p to that virtual host: POST /api/definitions and /api/definitions/VHOST.

    Queues and exchanges that are there stay as they are; everything else is as in the file afterwards.
    """
    document, vhost = read(session, file), session.settings.vhost
    if (what := documents.missing_secret(document)) is not None:
        raise DataError(
            f"{file}: {what} has no password: an import would take it away (export with --secrets, or use apply)"
        )
    if vhost is not None:
        document = documents.for_vhost(document, vhost, file)
    elif documents.is_of_one_vhost(document):
        raise UsageError(f"{file}: definitions of a single virtual host: -p VHOST says where they go")
    confirm_if_protected(session, f"import {file}", yes=yes, vhost=vhost)
    api.upload(session.client, document, vhost)
    session.hint(f"Imported from {file}.")
    return Nothing(_otherwise(session, document, vhost))


def _otherwise(session: Session, document: Document, vhost: str | None) -> tuple[str, ...]:
    """Lines about queues and exchanges that are not as in the file after an import of it.

    They were there before, or a shovel, which the broker starts before it has the queues, has declared them.
    """
    if not any(document.get(section) for section in ("queues", "exchanges")):
        return ()
    try:
        live = api.fetch(session.client, vhost)
    except RmqctlError as error:
        return (f"warning: imported, but what came of it could not be looked at: {error}",)
    changes = [change for change in plan(document, live, vhost) if change.action == RECREATE]
    return tuple(
        f"warning: {change.key.kind} {change.key.shown!r} in virtual host {change.key.vhost!r} is not as in the file: "
        f"{change.details}"
        for change in changes
    )


def import_definitions(
    session: Session,
    file: Annotated[str, typer.Argument(metavar="[FILE|-]", help="A file; otherwise standard input.")] = STDIN,
    format_: Format = "json",
    skip_if_unchanged: Annotated[bool, typer.Option("--skip-if-unchanged", hidden=True)] = False,
    yes: Annotated[bool, Yes] = False,
) -> Result:
    """Add what a file of definitions has: POST /api/definitions."""
    _check_format(format_)
    if skip_if_unchanged:
        raise Unavailable("--skip-if-unchanged: the HTTP API does not know it; definitions apply does what is missing")
    session.hint(f"Importing definitions in JSON from a file at {_quoted(file)} ...")
    return definitions_import(session, file, yes)


def _quoted(file: str) -> str:
    return f'"{file}"'


def _check_format(name: str) -> None:
    if name.lower() == "erlang":
        raise Unavailable("--format erlang: the HTTP API has definitions as JSON only")
    if name.lower() != "json":
        raise UsageError(f"--format: {name!r} is not json")


def read(session: Session, file: str) -> Document:
    """Raises DataError for a file that cannot be read or has no definitions."""
    return documents.parse(session.read_stdin(), "standard input") if file == STDIN else read_file(file)


def read_file(file: str) -> Document:
    """Raises DataError for a file that cannot be read or has no definitions."""
    try:
        return documents.parse(Path(file).read_text(encoding="utf-8-sig"), file)
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise DataError(f"{file}: not JSON: not UTF-8") from None


# diff

Side = Annotated[str, typer.Argument(metavar="A", help="A file, - (standard input), a URL, a context or context:NAME.")]
OtherSide = Annotated[str, typer.Argument(metavar="B", help="The other one.")]


def definitions_diff(session: Session, a: Side, b: OtherSide) -> Result:
    """Compare definitions: what only A has (-), what only B has (+), and what differs (~), in the sections of both.

    Exit code 0 when they are equal, 1 when they differ. What brokers make themselves is left out, secrets are compared
    and not shown. JSON in a pipe.
    """
    if a == b == STDIN:
        raise UsageError("- is standard input: it can be one side only")
    vhost = session.given.get("vhost")
    sides = _side(session, a), _side(session, b)
    one, other = sides[0].beside(sides[1]), sides[1].beside(sides[0])
    if vhost is not None:
        one, other = (documents.of_vhost(side, str(vhost)) for side in (one, other))
    found = differences(one, other, str(vhost or "/"), live=(sides[0].lives, sides[1].lives))
    data = {"equal": not found, "differences": [_as_data(each) for each in found]}
    exit_code = DIFFERENT if found else 0
    if session.format is not TERMINAL and session.settings.output.formatter is None:
        return Value(data, _json(data), exit_code=exit_code)
    text = "\n".join(line for each in found for line in _lines(each))
    return Value(data, text, exit_code=exit_code, colors=_COLORS) if found else _equal(session, data)


def _equal(session: Session, data: object) -> Result:
    if session.settings.output.formatter is None:
        session.hint("They are equal.")
        return Nothing()
    return Value(data, "")


def _json(data: object) -> str:
    import json

    return json.dumps(data, ensure_ascii=False, indent=2)


class _Side(Record):
    """What is compared; `client` asks the broker that has it, None for a file."""

    document: Document
    client: Client | None = None

    @property
    def lives(self) -> bool:
        return self.client is not None

    def beside(self, other: "_Side") -> Document:
        return api.beside(self.client, self.document, other.document) if self.client else self.document


def _side(session: Session, word: str) -> _Side:
    if word == STDIN:
        return _Side(read(session, word))
    if "://" in word:
        return _of_broker(session, url=word)
    if word.startswith("context:"):
        return _of_broker(session, context=word.removeprefix("context:"))
    if not Path(word).exists() and _is_context(session, word):
        return _of_broker(session, context=word)
    return _Side(read_file(word))


def _is_context(session: Session, word: str) -> bool:
    from rmqctl.contexts import load

    try:
        return word in load(session.contexts_file, any_current=True).contexts
    except ConfigError:
        return False


def _of_broker(session: Session, **broker: str) -> _Side:
    """The definitions of a broker that the command line names besides its options."""
    others = {name: value for name, value in session.given.items() if name not in ("url", "host", "port", "context")}
    settings = resolve({**others, **broker}, session.environ, lambda: session.contexts_file)
    client = session.client_of(settings)
    return _Side(api.fetch(client), client)


def _as_data(each: Difference) -> dict[str, Any]:
    change = "differs" if each.fields else "only in a" if each.b is None else "only in b"
    fields = [{"key": field.path, "a": field.a, "b": field.b} for field in each.fields]
    named = {"change": change, "kind": each.key.kind, "vhost": each.key.vhost, "name": each.key.shown}
    return {**named, "fields": fields}


_COLORS = {"~": 33, "-": 31, "+": 32}


def _lines(each: Difference) -> list[str]:
    sign = "~" if each.fields else "-" if each.b is None else "+"
    where = f" in {each.key.vhost}" if each.key.vhost else ""
    fields = [f"    {field.path}: {shown(field.a)} -> {shown(field.b)}" for field in each.fields]
    return [visible(line) for line in (f"{sign} {each.key.kind} {each.key.shown}{where}", *fields)]


# apply

_COLUMNS = ("change", "kind", "vhost", "name")


def definitions_apply(
    session: Session,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file; - is standard input.")],
    prune: Annotated[
        bool, typer.Option("--prune", help="Delete what the file does not have, in the sections that it has.")
    ] = False,
    dry_run: DryRun = False,
    yes: Annotated[bool, Yes] = False,
) -> Result:
    """Make a broker match a file, with -p in one virtual host. Shows the plan and asks first.

    A queue or an exchange that is there with other settings is an error and stays as it is. Exit code 3 when only part
    was done. When something is missing for the plan to succeed, such as a virtual host, nothing is done.
    """
    document, vhost = read(session, file), session.settings.vhost
    check_declared(document, file)
    if vhost is not None:
        document = _narrowed(document, vhost, file)
    elif documents.is_of_one_vhost(document):
        raise UsageError(f"{file}: definitions of a single virtual host: -p VHOST says where they go")
    client = session.client
    whole = api.beside(client, api.fetch(client), document)
    live = whole if vhost is None else documents.of_vhost(whole, vhost)
    changes = plan(document, live, vhost, prune=prune, keep=client.user)
    found = obstacles(changes, document, _surroundings(client, changes, whole), vhost)
    for note in _passed_over(document, whole):
        session.say(note)
    if dry_run:
        rows = [
            (*_names(change), found[change.key].why if change.key in found else change.details) for change in changes
        ]
        error = _cannot_succeed(found)
        said = () if error is None else (f"rmqctl: {error}",)
        return Rows((*_COLUMNS, "details"), rows, messages=said, exit_code=0 if error is None else error.exit_code)
    if (error := _cannot_succeed(found)) is not None:
        raise type(error)(f"{error}; nothing was changed")
    if not changes:
        session.hint("All is as wanted.")
        return Nothing()
    _ask(session, changes, yes=yes, vhost=vhost)
    groups = [[_job(session, change) for change in stage] for stage in stages(changes)]
    work = Work(("apply", "applied"), "change", "changes", _COLUMNS, [job for group in groups for job in group])
    return perform_in_turn(session, work, groups, fail_fast=False)


def _narrowed(document: Document, vhost: str, file: str) -> Document:
    """The part of one virtual host. Raises DataError for a file about others, of which nothing is meant for this one."""
    named = documents.vhosts_of(document)
    if named and vhost not in named:
        others = ", ".join(sorted(map(repr, named)))
        raise DataError(f"{file}: says nothing about virtual host {vhost!r}: it is about {others}")
    return documents.of_vhost(document, vhost)


def _surroundings(client: Client, changes: Sequence[Change], live: Document) -> Surroundings:
    """Types of exchange are asked for when there is one that not every broker has, plugins when a parameter needs one."""
    unusual = any(change.key.kind == "exchange" and change.wanted.get("type") not in OF_AMQP for change in changes)
    extended = any(change.key.kind == "parameter" and change.key.name[0] in PLUGINS for change in changes)
    types = api.exchange_types(client) if unusual else None
    return Surroundings(live, client.user, types, api.plugins(client) if extended else None)


def _passed_over(document: Document, live: Document) -> list[str]:
    release = releases.of(live)
    return [
        f"warning: virtual host {vhost!r}: {field} needs RabbitMQ {releases.spelled(releases.SINCE[field])}, this is "
        f"{releases.spelled(release)}: passed over"
        for vhost, field in releases.lacking(document, release)
    ]


def _cannot_succeed(found: Mapping[Key, Obstacle]) -> DataError | AccessRefused | None:
    """The error for a plan in which something is missing; where that is permissions alone, it is one of access."""
    if not found:
        return None
    kind = AccessRefused if all(each.forbidden for each in found.values()) else DataError
    reasons = list(dict.fromkeys(each.why for each in found.values()))
    more = f"; and {len(reasons) - _NAMED} more" if len(reasons) > _NAMED else ""
    size = f"{len(found)} change{'s' if len(found) != 1 else ''}"
    return kind(f"{size} cannot succeed: {'; '.join(reasons[:_NAMED])}{more}")


_NAMED = 5


def _names(change: Change) -> tuple[str, str, str, str]:
    return change.action, change.key.kind, change.key.vhost, change.key.shown


def _ask(session: Session, changes: Sequence[Change], *, yes: bool, vhost: str | None) -> None:
    """Shows the plan where somebody can be asked, and asks."""
    if session.streams.attended and (session.settings.protected or not yes):
        for change in changes:
            action, kind, where, name = _names(change)
            place = f" in {where}" if where else ""
            details = f": {change.details}" if change.details else ""
            session.say(visible(f"  {action} {kind} {name}{place}{details}"))
    deleted = sum(change.action == DELETE for change in changes)
    size = f"{len(changes)} change{'s' if len(changes) != 1 else ''}"
    confirm(session, f"make {size}" + (f", {deleted} of them deletes" if deleted else ""), yes=yes, vhost=vhost)


def _job(session: Session, change: Change) -> Job:
    return Job(_names(change), lambda: _do(session, change))


def _do(session: Session, change: Change) -> Done:
    if change.action == RECREATE:
        raise DataError(
            f"{change.key.kind} {change.key.shown!r} has to be deleted and declared again: {change.details}"
        )
    if documents.lacks_secrets(change.wanted):
        raise DataError(f"{change.key.kind} {change.key.shown!r} has a masked password: export with --secrets")
    api.execute(session.client, change)
    return Done("done")
