"""Options that every command takes, as data: the parser, the environment variables, help and completion read this table.

A new setting is one row here and one field of the same name, with its type, in a record of `rmqctl.settings`.
"""

from collections.abc import Mapping
from enum import Enum

from rmqctl.output import FORMATS, in_words
from rmqctl.record import Record


class Kind(Enum):
    TEXT = "text"
    NUMBER = "number"
    INTEGER = "integer"
    FLAG = "flag"


class GlobalOption(Record):
    """`flags` as typed; `no` adds `--no-...` to a flag. `choices` are matched without regard to case."""

    name: str
    flags: tuple[str, ...]
    kind: Kind
    help: str
    panel: str
    metavar: str = ""
    choices: tuple[str, ...] = ()
    hidden: bool = False

    @property
    def env(self) -> str:
        return f"RMQCTL_{self.name.upper()}"

    @property
    def takes_value(self) -> bool:
        return self.kind is not Kind.FLAG


CONNECTION = "Connection"
OUTPUT = "Output"

GLOBAL_OPTIONS = (
    GlobalOption("url", ("--url",), Kind.TEXT, "Management URL; several with commas: the next is tried when one is "
                 "unreachable.", CONNECTION, "http(s)://[USER[:PASSWORD]@]HOST[:PORT][/PREFIX]"),
    GlobalOption("host", ("--host", "-H"), Kind.TEXT, "Host of the management listener [localhost].", CONNECTION, "HOST"),
    GlobalOption("port", ("--port", "-P"), Kind.INTEGER, "Port of the management listener [15672].", CONNECTION, "PORT"),
    GlobalOption("user", ("--user", "--username"), Kind.TEXT, "User name [guest].", CONNECTION, "USER"),
    GlobalOption("password", ("--password",), Kind.TEXT, "Password; other users on this machine can see it in the process "
                 "list.", CONNECTION, "PASSWORD"),
    GlobalOption("password_stdin", ("--password-stdin",), Kind.FLAG, "Read the password from standard input.", CONNECTION),
    GlobalOption("password_file", ("--password-file",), Kind.TEXT, "Read the password from a file; -: stdin.", CONNECTION,
                 "FILE"),
    GlobalOption("password_command", ("--password-command",), Kind.TEXT, "Run a command that prints the password.",
                 CONNECTION, "COMMAND"),
    GlobalOption("token", ("--token",), Kind.TEXT, "Bearer token (OAuth 2), instead of user and password.", CONNECTION, "TOKEN"),
    GlobalOption("context", ("--context", "-C"), Kind.TEXT, "Named broker of the contexts file.", CONNECTION, "NAME"),
    GlobalOption("timeout", ("--timeout", "-t"), Kind.NUMBER, "Seconds that all answers may take together [60 for list_queues "
                 "and checks, else no limit].", CONNECTION, "SECONDS"),
    GlobalOption("ca_file", ("--ca-file",), Kind.TEXT, "Trust the certificates of this file only.", CONNECTION, "PEM"),
    GlobalOption("cert_file", ("--cert-file",), Kind.TEXT, "Client certificate.", CONNECTION, "PEM"),
    GlobalOption("key_file", ("--key-file",), Kind.TEXT, "Private key of the client certificate.", CONNECTION, "PEM"),
    GlobalOption("insecure", ("--insecure",), Kind.FLAG, "Accept any certificate. Anyone in between can read the password.",
                 CONNECTION),
    GlobalOption("vhost", ("--vhost", "-p"), Kind.TEXT, "Virtual host [/].", CONNECTION, "VHOST"),
    GlobalOption("formatter", ("--formatter", "-f", "-o"), Kind.TEXT, f"How to print: {in_words(FORMATS.values())}.", OUTPUT,
                 "FORMAT", tuple(FORMATS)),
    GlobalOption("json", ("--json",), Kind.TEXT, "Only these fields, as --formatter json: the columns of a list, the fields of "
                 "an object; commands that read.", OUTPUT, "FIELD[,FIELD...]"),
    GlobalOption("jq", ("--jq",), Kind.TEXT, "Filter JSON by an expression of jq; pip install 'rmqctl[jq]'.", OUTPUT,
                 "EXPRESSION"),
    GlobalOption("quiet", ("--quiet", "-q"), Kind.FLAG, "No banner and no hints on standard error.", OUTPUT),
    GlobalOption("silent", ("--silent", "-s"), Kind.FLAG, "As --quiet, and no header line.", OUTPUT),
    GlobalOption("table_headers", ("--table-headers/--no-table-headers",), Kind.FLAG, "Header line of the table formatter.",
                 OUTPUT),
    GlobalOption("pad_to_header", ("--pad-to-header",), Kind.FLAG, "Pad cells of the table formatter to the header's length.",
                 OUTPUT),
    GlobalOption("color", ("--color",), Kind.TEXT, "auto, always or never; NO_COLOR is honoured.", OUTPUT, "WHEN",
                 ("auto", "always", "never")),
    GlobalOption("pager", ("--pager/--no-pager",), Kind.FLAG, "Long output on a terminal goes through $PAGER.", OUTPUT),
    GlobalOption("verbose", ("--verbose",), Kind.FLAG, "Log requests and their times on standard error.", OUTPUT),
    GlobalOption("debug", ("--debug", "--print-stacktrace"), Kind.FLAG, "Show the traceback of an error.", OUTPUT),
    GlobalOption("node", ("--node", "-n"), Kind.TEXT, "Member of the cluster, for commands about one node: rabbit@host, or "
                 "either part. Any other is refused.", CONNECTION, "NODE"),
    GlobalOption("longnames", ("--longnames", "-l"), Kind.FLAG, "Accepted for rabbitmqctl's sake: no Erlang names are used.",
                 CONNECTION, hidden=True),
    GlobalOption("erlang_cookie", ("--erlang-cookie",), Kind.TEXT, "Accepted for rabbitmqctl's sake: no cookie is used.",
                 CONNECTION, "COOKIE", hidden=True),
)  # fmt: skip
"""Order is that of --help."""

SELECTION_FLAGS = ("--sort", "--where", "--limit")
"""Options with a value that all lists take."""

Sizes = Mapping[str, int]
"""By the flag of an option: of how many words it consists when its values are words of their own."""

SIZES: Sizes = dict.fromkeys(SELECTION_FLAGS, 2) | {
    flag: 1 + option.takes_value for option in GLOBAL_OPTIONS for flags in option.flags for flag in flags.split("/")
}
"""Those that are known whatever the command is."""
