"""From the command line to exit code: what was asked for, with which settings, and how it failed."""

import contextlib
import inspect
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

import typer
from typer._click.exceptions import ClickException
from typer.core import TyperCommand, TyperGroup, TyperOption

from rmqctl import __version__
from rmqctl.commands import COMMANDS, Entry
from rmqctl.errors import AccessRefused, RmqctlError, Unavailable, UsageError
from rmqctl.options import GLOBAL_OPTIONS, OUTPUT, SIZES, GlobalOption, Kind, Sizes
from rmqctl.output import FORMATS, OF_COMMANDS
from rmqctl.record import Record
from rmqctl.render import filtering, render
from rmqctl.result import Page, Result, Watched
from rmqctl.session import Session
from rmqctl.settings import resolve, resolve_output
from rmqctl.watch import option as watching
from rmqctl.words import HELP, as_rmqctl_spells, command_first, is_group

if TYPE_CHECKING:
    from rmqctl.help.layout import Paper
    from rmqctl.resources.column import Resource

INTERRUPTED = 130


class Call(Record):
    """A command line that was understood: the run that it settled, and what makes its result."""

    session: Session
    answer: Callable[[], Result | Watched]


def run(argv: Sequence[str], session: Session) -> int:
    """Runs one command line. Returns the exit code; errors have been printed on stderr by then."""
    session = session._replace(invoke=run)
    argv = as_rmqctl_spells(session.called, argv)
    words = command_first(argv, lambda name: sizes_of(name, session))
    call = _guarded(lambda: _understood(words, session), session, argv, words)
    if isinstance(call, int):
        return call
    return _guarded(lambda: render(call.session, call.answer()), call.session, argv, words)


Came = TypeVar("Came")


def _guarded(do: Callable[[], Came], session: Session, argv: Sequence[str], words: Sequence[str]) -> Came | int:
    """What it comes to, or the exit code of the error that ends it."""
    try:
        return do()
    except KeyboardInterrupt:
        return INTERRUPTED
    except typer.Abort:
        return INTERRUPTED
    except typer.Exit as request:
        session.streams.flush()
        return request.exit_code
    except ClickException as error:
        return _fail(session, UsageError(_one_line(error)), words)
    except RmqctlError as error:
        return _fail(session, error, words)
    except BrokenPipeError:
        # The reader has what it wanted (`| head`). Python would complain when it flushes stdout at exit.
        _discard_stdout(session)
        return 0
    except OSError as error:
        # Network errors are translated where they happen: what is left is a full disk under `> FILE`.
        return _fail(session, RmqctlError(f"the output could not be written: {error.strerror or error}"), words)
    except Exception as error:
        if session.settings.output.debug or "--debug" in argv:
            raise
        session.say(_in_one_line(f"rmqctl: internal error: {type(error).__name__}: {error} (--debug shows where)"))
        return RmqctlError.exit_code


def _understood(words: list[str], session: Session) -> Call | int:
    """The call that the words are; an exit code where nothing is left to do."""
    _use_utf8(session)
    if words in (["--version"], ["-V"]):
        session.streams.write(f"rmqctl {__version__}\n")
        return 0
    group = CommandGroup(name="rmqctl", session=session)
    if not words:
        render(session, Page(group.page(_paper(session))))
        return UsageError.exit_code
    call: Call | int = group.main(args=words, prog_name="rmqctl", standalone_mode=False)
    if isinstance(call, int):  # --help
        session.streams.flush()
    return call


class Helpful:
    """A command or a group of them whose --help is a page."""

    session: Session

    def page(self, paper: "Paper") -> str:
        raise NotImplementedError

    def get_help_option(self, ctx: Any) -> Any:
        option = super().get_help_option(ctx)  # type: ignore[misc]
        option.callback = self._show
        return option

    def _show(self, ctx: Any, _: Any, wanted: bool) -> None:
        if wanted and not ctx.resilient_parsing:
            session = self.session
            with contextlib.suppress(RmqctlError):  # help is there for whoever has a wrong variable
                session = session._replace(settings=resolve_output({}, session.environ))
            render(session, Page(self.page(_paper(session))))
            ctx.exit()


def _paper(session: Session) -> "Paper":
    from rmqctl.help.layout import Paper

    return Paper.of(session)


class CommandGroup(Helpful, TyperGroup):
    """The commands of the static table, each imported when it is called. `prefix` is "show " inside `show`."""

    def __init__(self, *, name: str, session: Session, prefix: str = "") -> None:
        # Options of a group that is a command too (`declare -f FILE`) are not the group's.
        settings = {"help_option_names": HELP, "ignore_unknown_options": prefix.strip() in COMMANDS}
        super().__init__(name=name, no_args_is_help=False, context_settings=settings)
        self.session = session
        self._prefix = prefix

    def list_commands(self, ctx: Any) -> list[str]:
        names = (name[len(self._prefix) :] for name in self._members())
        return list(dict.fromkeys(name.partition(" ")[0] for name in names))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        name = self._prefix + cmd_name.replace("-", "_")
        if is_group(name):
            return CommandGroup(name=cmd_name, session=self.session, prefix=f"{name} ")
        if name in COMMANDS:
            return build(name, COMMANDS[name], self.session)
        return None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        command = self.get_command(ctx, args[0])
        if command is None:
            if (group := self._prefix.strip()) in COMMANDS:  # `wait PIDFILE` beside `wait queue`
                return group, build(group, COMMANDS[group], self.session), args
            raise UsageError(self._unknown(args))
        return command.name.removeprefix(self._prefix), command, args[1:]

    def page(self, paper: "Paper") -> str:
        from rmqctl.help import screens

        group = self._prefix.strip()
        if not group:
            return screens.first(paper)
        page = screens.group(self._prefix, paper)
        if group in COMMANDS and not COMMANDS[group].raw:  # `declare -f FILE` beside `declare queue`
            page += "\n" + build(group, COMMANDS[group], self.session).page(paper)
        return page

    def invoke(self, ctx: Any) -> Any:
        if not ctx._protected_args and not ctx.args:
            group = self._prefix.strip()
            raise UsageError(f"{group or 'rmqctl'} what? One of: {', '.join(self.list_commands(ctx))}")
        return super().invoke(ctx)

    def _members(self) -> dict[str, Entry]:
        return {name: entry for name, entry in COMMANDS.items() if name.startswith(self._prefix) and not entry.hidden}

    def _unknown(self, words: Sequence[str]) -> str:
        from rmqctl.help.hints import meant

        word = words[0]
        if self._prefix + word == "list":
            kinds = [command.removeprefix("list_") for command in self._members() if command.startswith("list_")]
            return f"list what? One of: {', '.join(kinds)}"
        found = meant([*self._prefix.split(), *words])
        hint = f"; did you mean {found!r}?" if found else "; rmqctl help --all lists the commands"
        return f"command {self._prefix + word!r} not found{hint}"


class Command(Helpful, TyperCommand):
    """A command with the global options added. `session` is the run that its line belongs to, not settled yet."""

    entry: Entry
    resource: "Resource | None"

    @property
    def sizes(self) -> Sizes:
        options = [each for each in self.params if isinstance(each, TyperOption) and each.name != _WATCH]
        return {
            flag: 1 if each.is_flag else 1 + each.nargs
            for each in options
            for flag in (*each.opts, *each.secondary_opts)
        }

    def page(self, paper: "Paper") -> str:
        from rmqctl.help.command import page

        columns = self.resource.names() if self.resource else ()
        return page(self.name or "", self.entry, self, columns, paper)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not self.entry.raw:
            args = watching.joined(args, self.sizes)
        if (
            not self.entry.watchable
            and not self.entry.raw
            and any(word.startswith(f"{watching.FLAG}=") for word in args)
        ):
            raise UsageError(f"{self.name} cannot be watched: {watching.FLAG} is for commands that only read")
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        given = {}
        for option in GLOBAL_OPTIONS:
            value = ctx.params.pop(_parameter(option), None)
            if value is not None:
                given[option.name] = value
        seconds = ctx.params.pop(_WATCH, None)
        session = ctx.obj = self._settled(given, watched=seconds is not None)
        return Call(session, lambda: self._answer(ctx, session, seconds))

    def _answer(self, ctx: Any, session: Session, seconds: str | None) -> Result | Watched:
        """What the function returns; it is called with the session that is the context's."""
        call = super().invoke
        if not self.entry.raw:
            self._check(session)
            self._choose_node(ctx, session)
        pick = self._picking(ctx, session)
        if seconds is None:
            self._say_as_rabbitmqctl(ctx, session)
            return pick(call(ctx))

        def again() -> Any:
            session.client.begin()  # each round has the whole of --timeout
            return pick(call(ctx))

        return Watched(again, watching.seconds(seconds), self._title(ctx, session))

    def _picking(self, ctx: Any, session: Session) -> Callable[[Result], Result]:
        """What --json makes of the result. The columns of a list are asked for in place of the usual ones."""
        if (text := session.settings.output.json) is None:
            return lambda result: result
        from rmqctl.output.fields import names_of, picked

        names = names_of(text)
        if self.entry.changes:
            raise UsageError(f"--json is for commands that only read; {self.name} -f json prints all that it has")
        if self.resource is not None:
            if ctx.params.get("columns"):
                raise UsageError(f"--json {text} names the columns: no others beside it")
            ctx.params["columns"] = names
        return lambda result: picked(result, names)

    def _title(self, ctx: Any, session: Session) -> str:
        """The command with its arguments, and the virtual host that was chosen."""
        words = [self.name or ""]
        for parameter in self.params:
            value = ctx.params.get(parameter.name)
            if parameter.param_type_name == "argument" and value is not None:
                words += [value] if isinstance(value, str) else map(str, value)
        vhost = session.settings.vhost
        return " ".join([*words, *(["-p", vhost] if vhost is not None else [])])

    def _say_as_rabbitmqctl(self, ctx: Any, session: Session) -> None:
        """The banner, where rmqctl goes by that name and nobody asked for quiet."""
        if not session.as_rabbitmqctl or session.quiet or self.entry.raw or not session.format.banner:
            return
        from rmqctl.api import answering
        from rmqctl.commands.kit.banners import banner

        arguments = [ctx.params[each.name] for each in self.params if each.param_type_name == "argument"]
        node = lambda: session.node or answering.node(session.client) or session.client.endpoint.host  # noqa: E731
        timeout = session.settings.timeout
        if text := banner(self.name or "", arguments, ctx.params, session.vhost, timeout, node):
            session.streams.stdout.write(f"{session.shown(text)}\n")

    def _choose_node(self, ctx: Any, session: Session) -> None:
        """With --node: a command about a node is about that one, and any other is asked of the cluster that has it."""
        wanted = session.settings.node
        # Who waits for a broker cannot ask it yet.
        if wanted is None or self.entry.local or self.entry.module == "health.waiting":
            return
        from rmqctl.api import answering

        client, node = session.client, session.node
        if node is None:
            session.say(f"warning: user {client.user!r} may not see the nodes: -n {wanted} is taken unseen")
        if "node" in ctx.params:
            ctx.params["node"] = ctx.params["node"] or node
        elif node and self._is_of_one_node and (here := answering.node(client)) not in (None, node):
            url = client.endpoint.url
            raise Unavailable(
                f"{self.name} tells of the node that answers, which is {here} ({url}): give the URL of {node}"
            )

    @property
    def _is_of_one_node(self) -> bool:
        """Whether it tells of the node that answers, and cannot of another."""
        return self.entry.module == "health.health" or self.name in ("environment", "erlang_version", "server_version")

    def _settled(self, given: dict[str, Any], *, watched: bool) -> Session:
        """The run with its settings. Raises UsageError and ConfigError."""
        session, entry = self.session, self.entry
        if entry.raw:
            # The shell gets its names in one shape, whatever the variables say.
            return session if entry.hidden else session._replace(settings=resolve_output({}, session.environ))
        if entry.local:
            settings = resolve_output(given, session.environ)
        else:
            settings = resolve(given, session.environ, lambda: session.contexts_file)
        if settings.timeout is None:
            settings = settings._replace(timeout=watching.TIMEOUT if watched and not entry.timeout else entry.timeout)
        formats = FORMATS | {name: OF_COMMANDS[name] for name in entry.formats}
        return session._replace(settings=settings, given=given, formats=formats, watching=watched)

    def _check(self, session: Session) -> None:
        """Refuses what the settings rule out."""
        _check_formatter(session)
        if self.entry.changes and session.settings.read_only:
            raise AccessRefused(f"{self.name}: context {session.settings.context!r} is read-only")


def sizes_of(name: str, session: Session) -> Sizes:
    """Of a command's options. What belongs to a raw command it reads itself."""
    entry = COMMANDS[name]
    return SIZES if entry.raw else build(name, entry, session).sizes


def build(name: str, entry: Entry, session: Session) -> Command:
    """The command of that name, from the function `name` (spaces as underscores) of its module."""
    module = import_module(f"rmqctl.commands.{entry.module}")
    function = getattr(module, name.replace(" ", "_"), None) or module.command(name)
    app = typer.Typer(add_completion=False, rich_markup_mode="rich")
    # What follows the first word of a raw command belongs to that: `demo list_queues --help` is about list_queues.
    context_settings = {"ignore_unknown_options": True, "allow_interspersed_args": False} if entry.raw else None
    app.command(name, cls=Command, no_args_is_help=False, context_settings=context_settings)(_bound(function))
    command = typer.main.get_command(app)
    assert isinstance(command, Command)
    command.name = name
    command.entry = entry
    command.session = session
    command.resource = getattr(function, "resource", None)
    if not entry.raw:
        own = {flag for parameter in command.params for flag in parameter.opts}
        for option in GLOBAL_OPTIONS:
            # A command's own option of the same name wins: list_user_limits --user.
            if flags := tuple(flag for flag in option.flags if flag not in own):
                command.params.append(_option(option._replace(flags=flags)))
    if entry.watchable:
        command.params.append(_watch_option())
    return command


def _bound(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with typer's context in place of its first parameter, the session, which is the context's object."""

    def command(ctx: typer.Context, **arguments: Any) -> Any:
        return function(ctx.obj, **arguments)

    _, *parameters = inspect.signature(function).parameters.values()
    context = inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    command.__signature__ = inspect.signature(function).replace(parameters=[context, *parameters])  # type: ignore[attr-defined]
    command.__annotations__ = {"ctx": typer.Context} | {
        key: value for key, value in function.__annotations__.items() if key != "session"
    }
    command.__doc__ = function.__doc__
    return command


def _parameter(option: GlobalOption) -> str:
    # Prefixed: a command may have an argument named `user`.
    return f"global_{option.name}"


def _option(option: GlobalOption) -> TyperOption:
    kinds: dict[Kind, Any] = {Kind.NUMBER: float, Kind.INTEGER: int}
    flag = option.kind is Kind.FLAG
    return TyperOption(
        param_decls=[_parameter(option), *option.flags],
        type=bool if flag else kinds.get(option.kind, str),
        is_flag=flag,
        default=None,
        # A bracket would be taken for rich's markup.
        help=f"{option.help} [{option.env}]".replace("[", r"\["),
        metavar=option.metavar or None,
        hidden=option.hidden,
        rich_help_panel=option.panel,
    )


_WATCH = "watch"


def _watch_option() -> TyperOption:
    # Given without a value it has one all the same by now: `watching.joined`.
    return TyperOption(
        param_decls=[_WATCH, watching.FLAG],
        help=watching.HELP.replace("[", r"\["),
        metavar=watching.METAVAR,
        rich_help_panel=OUTPUT,
    )


def _check_formatter(session: Session) -> None:
    output = session.settings.output
    for flag, given in (("--json", output.json), ("--jq", output.jq)):
        if given is not None and not session.format.json:
            raise UsageError(f"{flag} goes with the JSON formats, not with {session.format.name}")
    if output.jq is not None and session.watching:
        raise UsageError("--jq and --watch exclude each other: --watch -f jsonl writes a line for each round")
    filtering(session)  # an expression that is wrong is refused before anything is done
    if not session.format.header:
        for flag, option in (("--no-table-headers", "table_headers"), ("--pad-to-header", "pad_to_header")):
            if option in session.given:
                raise UsageError(f"{flag} goes with the table formatter, not with {session.format.name}")


def _one_line(error: ClickException) -> str:
    return " ".join(error.format_message().split())


def _fail(session: Session, error: RmqctlError, words: Sequence[str]) -> int:
    if session.settings.output.debug and error.__cause__ is not None:
        import traceback

        session.say("".join(traceback.format_exception(error)).rstrip("\n"))
    try:
        session.streams.stdout.flush()
    except OSError:  # what cannot be written must not keep the error from being said
        _discard_stdout(session)
    with contextlib.suppress(OSError):
        session.say(_in_one_line(f"rmqctl: {error}"))
        if isinstance(error, UsageError) and words and not session.quiet and (command := _named(words)):
            session.say(f"rmqctl {command} --help shows the options")
    return error.exit_code


def _in_one_line(text: str) -> str:
    if text.isprintable():
        return text
    from rmqctl.output.escape import visible

    return visible(text)


def _named(words: Sequence[str]) -> str:
    """The command that the words name, "" when they name none."""
    for count in (2, 1):
        name = " ".join(words[:count]).replace("-", "_")
        if name in COMMANDS:
            return name
    return ""


def _use_utf8(session: Session) -> None:
    """UTF-8 whatever the locale, as rabbitmqctl; a lone surrogate must not end a list."""
    for stream in (session.streams.stdout, session.streams.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(encoding="utf-8", errors="backslashreplace")


def _discard_stdout(session: Session) -> None:
    if session.streams.stdout is sys.stdout:
        import os

        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
