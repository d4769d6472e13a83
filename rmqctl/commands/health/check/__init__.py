"""`check NAME`: what is wrong on a broker, with the exit codes of monitoring plugins.

The commands are made of the table of checks: an option of a check is an option of its command and a key of its table in the
file of checks.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from rmqctl.api.users import whoami
from rmqctl.checks import options as o
from rmqctl.checks.options import Limits, Option
from rmqctl.checks.report import Report, Status
from rmqctl.checks.snapshot import Snapshot
from rmqctl.checks.table import ALL, CHECKS, Check
from rmqctl.commands import COMMANDS
from rmqctl.commands.definitions.definitions import read as read_definitions
from rmqctl.commands.health.check import config
from rmqctl.commands.health.check.asking import Scope, snapshot
from rmqctl.commands.health.check.printing import Outcome, answer, answer_all
from rmqctl.errors import AccessRefused, BrokenAnswer, RmqctlError, TlsFailed, Unavailable, Unreachable, UsageError
from rmqctl.naming import closest
from rmqctl.result import Result, Rows
from rmqctl.session import Session

_EXIT_CODES = "Exit codes: 0 all is well, 1 warning, 2 critical, 3 unknown."
_CONFIG = "Limits by check, in TOML; -: stdin \\[checks.toml beside the contexts file]."
_FORMATS = "Formats besides the usual ones: nagios, prometheus."


def command(name: str) -> Callable[..., Result]:
    """The command of that name, `check queues` or `check_queues`."""
    word = name.removeprefix("check").strip(" _")
    if word == "all":
        return _made(check_everything, ALL)
    check = CHECKS[word]

    def run(session: Session, given: Mapping[str, Any], file: str | None) -> Result:
        return _check_one(session, check, given, file)

    run.__doc__ = inspect.cleandoc(check.load().__doc__ or "")
    return _made(run, check.all_options())


def _made(
    run: Callable[[Session, Mapping[str, Any], str | None], Result], options: Sequence[Option]
) -> Callable[..., Result]:
    """The function that typer makes a command of: a parameter for each option."""

    def made(session: Session, config: str | None = None, **given: Any) -> Result:
        words = {option.name: given[_parameter(option)] for option in options}
        return run(session, {name: word for name, word in words.items() if word not in (None, False)}, config)

    annotations = {_parameter(option): _annotation(option) for option in options}
    annotations["config"] = Annotated[
        str | None,
        typer.Option("--config", metavar="FILE", help=_CONFIG, show_default=False),
    ]
    parameters = [
        inspect.Parameter(
            name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=False if _is_flag(kind) else None, annotation=kind
        )
        for name, kind in annotations.items()
    ]
    session = inspect.Parameter("session", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Session)
    made.__signature__ = inspect.Signature([session, *parameters])  # type: ignore[attr-defined]
    made.__annotations__ = annotations
    made.__doc__ = f"{run.__doc__}\n\n{_EXIT_CODES} {_FORMATS}"
    return made


def _parameter(option: Option) -> str:
    # Prefixed: `for` and `except` are words of Python's.
    return "file" if option.kind is o.FILE else f"limit_{option.name.replace('-', '_')}"


def _annotation(option: Option) -> Any:
    if option.kind is o.FILE:
        return Annotated[str | None, typer.Argument(metavar="[FILE]", help=option.help, show_default=False)]
    if option.kind is o.FLAG:
        return Annotated[bool, typer.Option(f"--{option.name}", help=option.help)]
    default = "" if option.default is None else f" \\[{option.default}]"
    return Annotated[
        str | None,
        typer.Option(
            f"--{option.name}", metavar=option.kind.metavar, help=f"{option.help}{default}", show_default=False
        ),
    ]


def _is_flag(annotation: Any) -> bool:
    return annotation.__args__[0] is bool if hasattr(annotation, "__args__") else False


# Limits: the command line goes above the file, the file above the defaults


def _limits(name: str, options: Iterable[Option], values: config.Values, given: Mapping[str, Any]) -> Limits:
    read = {option.name: _default(option) for option in options} | dict(values.get(name, {}))
    known = {option.name: option for option in options}
    for word, value in given.items():
        try:
            read[word] = o.read(known[word], value)
        except UsageError as error:
            raise UsageError(f"{'FILE' if known[word].kind is o.FILE else f'--{word}'}: {error}") from None
    return Limits(read, _keep(name, read.get("where")))


def _default(option: Option) -> Any:
    return None if option.default is None else o.read(option, option.default)


def _keep(name: str, where: str | None) -> Callable[[Any], bool]:
    if where is None:
        return lambda _: True
    from rmqctl.resources.where import parse

    expression = parse(where, CHECKS[name].columns.__contains__)
    return lambda finding: expression.matches(lambda field: getattr(finding, field))


def _values(session: Session, file: str | None) -> config.Values:
    if file is None:
        return config.load(session.contexts_file.with_name(config.NAME), required=False)
    if file == "-":
        return config.parse(session.read_stdin(), Path(file))
    return config.load(Path(file), required=True)


# The commands


def _check_one(session: Session, check: Check, given: Mapping[str, Any], file: str | None) -> Result:
    limits = _limits(check.name, check.all_options(), _values(session, file), given)
    if check.argument and limits[check.argument.name] is None:
        raise UsageError(f"check {check.name}: which {check.argument.kind.metavar}?")
    try:
        seen = snapshot(session, _scope(session, limits, limits["file"]), [(check, limits)], limits["for"] or 0)
        report = check.load()(seen, limits)
    except UsageError:
        raise
    except RmqctlError as error:
        report = _unknown(error)
    except Exception as error:
        report = _puzzled(session, error)
    return answer(session, Outcome(check, report))


def check_everything(session: Session, given: Mapping[str, Any], file: str | None) -> Result:
    """Run the checks side by side, on one look at the broker: each list is asked for once.

    The exit code is that of the worst: critical, then unknown, then warning. Limits of single checks come from the file. A
    check that does not apply (a plugin is off, an older release, no permission) is skipped.
    """
    values = _values(session, file)
    whole = _limits("all", ALL, values, given)
    chosen = [
        (check, _limits(check.name, check.all_options(), values, {}))
        for check in _chosen(whole["only"], whole["except"])
    ]
    wanted = next((limits["file"] for check, limits in chosen if check.argument), None)
    try:
        whoami(session.client)
    except RmqctlError as error:
        return answer_all(session, [], str(error))
    seen = snapshot(session, _scope(session, whole, wanted), chosen, whole["for"])
    return answer_all(session, [_outcome(session, check, seen, limits) for check, limits in chosen])


def _outcome(session: Session, check: Check, seen: Snapshot, limits: Limits) -> Outcome:
    try:
        return Outcome(check, check.load()(seen, limits))
    except UsageError:
        raise
    except RmqctlError as error:
        absent = isinstance(error, Unavailable | AccessRefused) and not isinstance(error, _NO_ANSWER)
        return Outcome(check, _unknown(error), skipped=absent)
    except Exception as error:
        return Outcome(check, _puzzled(session, error))


_NO_ANSWER = Unreachable | TlsFailed | BrokenAnswer


def _puzzled(session: Session, error: Exception) -> Report:
    """Whatever a check trips over, in an answer that nobody thought of: it does not know, and says so with its own code."""
    if session.settings.output.debug:
        raise error
    return Report(Status.UNKNOWN, f"internal error: {type(error).__name__}: {error} (--debug shows where)")


def _unknown(error: RmqctlError) -> Report:
    return Report(Status.UNKNOWN, str(error))


def _chosen(only: Sequence[str] | None, excluded: Sequence[str] | None) -> list[Check]:
    for name in (*(only or ()), *(excluded or ())):
        if name not in CHECKS:
            close = closest(name, CHECKS)
            raise UsageError(
                f"check {name!r} not found" + (f"; did you mean {close!r}?" if close else "; check list lists them")
            )
    return [check for name, check in CHECKS.items() if (only is None or name in only) and name not in (excluded or ())]


def _scope(session: Session, limits: Limits, file: str | None) -> Scope:
    vhost = None if limits["all-vhosts"] else session.vhost
    return Scope(session.client, vhost, session.settings.vhost, file, partial(read_definitions, session))


def check_list(
    session: Session,
    file: Annotated[
        str | None,
        typer.Option("--config", metavar="FILE", help=_CONFIG, show_default=False),
    ] = None,
) -> Rows:
    """List the checks, each with its limits in force."""
    values = _values(session, file)
    native = session.format.native
    rows = []
    for name, check in CHECKS.items():
        limits = _limits(name, check.all_options(), values, {})
        found = {
            option.name: option.kind.show(limits[option.name])
            for option in check.all_options()
            if limits[option.name] not in (None, False)
        }
        words = " ".join(f"{key}={word}" for key, word in found.items())
        rows.append((name, COMMANDS[f"check {name}"].help, found if native else words))
    return Rows(("check", "help", "limits"), rows, sentences=True)
