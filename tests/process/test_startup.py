"""What a run loads and asks for: the part of the start-up time that does not depend on the machine."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROWS = [
    {"name": "hello", "messages_ready": 1, "messages_unacknowledged": 0},
    {"name": "task_queue", "messages_ready": 2, "messages_unacknowledged": 3},
]
# Runs a command line in a fresh interpreter and prints, on stderr, what it loaded.
PROGRAM = """
import sys
from rmqctl.cli import run
from rmqctl.session import Session
code = run(sys.argv[1:], Session.of_process())
print(*sorted(sys.modules), file=sys.stderr)
sys.exit(code)
"""
DEAR = {
    "rich",
    "httpcore",
    "anyio",
    "h11",
    "tomllib",
    "tomlkit",
    "pydantic",
    "click",
    "textual",
    "asyncio",
    "concurrent.futures",
}

# The embedded broker and what it stands on: loaded by the commands about it alone.
BROKER = ("rmqctl.broker", "pamqp", "starlette", "uvicorn", "sqlite3")


@pytest.fixture
def broker() -> Iterator[tuple[str, list[str]]]:
    """A server with two queues: its URL, and the targets that it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            overview = {"object_totals": {"queues": len(ROWS)}}
            body = json.dumps(overview if self.path.startswith("/api/overview") else ROWS).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()
    thread.join()


def loaded(tmp_path: Path, *argv: str) -> tuple[str, set[str]]:
    """What the command printed, and the modules it loaded."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *argv],
        capture_output=True,
        text=True,
        check=True,
        env={"XDG_CONFIG_HOME": str(tmp_path), "PATH": ""},
    )
    return done.stdout, set(done.stderr.split())


def test_the_version_loads_no_client_and_no_command(tmp_path: Path) -> None:
    out, modules = loaded(tmp_path, "--version")
    assert out.startswith("rmqctl ")
    assert not modules & (DEAR | {"httpx", "json", "ssl", "http.client"})
    assert not [name for name in modules if name.startswith(BROKER)]
    assert {
        name for name in modules if name.startswith(("rmqctl.commands.", "rmqctl.api", "rmqctl.resources"))
    } == set()


def test_a_piped_list_loads_its_own_modules_alone(tmp_path: Path, broker: tuple[str, list[str]]) -> None:
    url, asked = broker
    out, modules = loaded(tmp_path, "--url", url, "list_queues", "name", "messages_ready", "messages_unacknowledged")
    assert out == "name\tmessages_ready\tmessages_unacknowledged\nhello\t1\t0\ntask_queue\t2\t3\n"
    assert not modules & DEAR
    assert not [name for name in modules if name.startswith(BROKER)]
    ours = {name for name in modules if name.startswith("rmqctl.") and name.count(".") > 1}
    assert {name for name in ours if name.startswith("rmqctl.commands.")} == {
        "rmqctl.commands.kit",
        "rmqctl.commands.kit.arguments",
        "rmqctl.commands.kit.confirming",
        "rmqctl.commands.kit.listing",
        "rmqctl.commands.live",
        "rmqctl.commands.live.queues",
    }
    assert {name for name in ours if name.startswith("rmqctl.resources.")} == {
        "rmqctl.resources.column",
        "rmqctl.resources.queues",
    }
    assert {name for name in ours if name.startswith("rmqctl.output.")} == {
        "rmqctl.output.answer",
        "rmqctl.output.chunks",
        "rmqctl.output.style",
        "rmqctl.output.table",
        "rmqctl.output.values",
    }
    # The list in its cheapest form, and the number of all queues, which tells that the list is whole.
    assert sorted(asked) == [
        "/api/overview?disable_stats=true&columns=object_totals.queues",
        "/api/queues/%2F?disable_stats=true&enable_queue_totals=true&columns=messages_ready,messages_unacknowledged,name",
    ]


def test_names_alone_are_one_request(tmp_path: Path, broker: tuple[str, list[str]]) -> None:
    url, asked = broker
    out, _ = loaded(tmp_path, "--url", url, "list_queues", "name")
    assert out == "name\nhello\ntask_queue\n"
    assert asked == ["/api/queues/%2F?disable_stats=true&columns=name"]


def test_the_way_of_a_message_is_foretold_without_the_embedded_broker(
    tmp_path: Path, broker: tuple[str, list[str]]
) -> None:
    url, _ = broker
    out, modules = loaded(tmp_path, "--url", url, "topology", "--trace", "", "hello")
    assert out == "queue hello\n  exchange (default exchange) -['hello']-> queue hello\n"
    assert not modules & DEAR
    assert not [name for name in modules if name.startswith(BROKER)]


def test_the_command_line_is_read_without_textual(tmp_path: Path) -> None:
    program = (
        "import sys; from rmqctl.cli import run; from rmqctl.session import Session\n"
        "code = run(['top', '--help'], Session.of_process()); assert 'textual' not in sys.modules; sys.exit(code)"
    )
    environ = {"XDG_CONFIG_HOME": str(tmp_path), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, env=environ)
    assert (done.returncode, done.stderr) == (0, "")
    assert "--interval" in done.stdout


def test_rich_is_not_imported_for_ascii() -> None:
    program = """
import sys
from rmqctl.output import TERMINAL, FORMATS
from rmqctl.output.style import Style
from rmqctl.result import Rows, Value
result = Rows(("name", "n"), [("a" * 90, 1), ("b\\n", None)], alarming=frozenset(["n"]))
for format in (TERMINAL, *FORMATS.values()):
    for style in (Style(), Style(color=True, width=20)):
        "".join(format.load().rows(result, style))
        "".join(format.load().value(Value({"a": 1}), style))
loaded = {name.split(".")[0] for name in sys.modules}
print(loaded & {"rich", "typer", "httpx", "ipaddress", "decimal"})
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"


def test_reading_contexts_imports_no_tomlkit_and_a_missing_file_no_tomllib(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; before = set(sys.modules);"
        "from rmqctl.contexts import load; p = Path(sys.argv[1]);"
        "load(p / 'none'); assert 'tomllib' not in sys.modules;"
        "load(p); assert 'tomllib' in sys.modules;"
        "assert not {'tomlkit', 'difflib', 'filelock', 'fcntl', 'configparser'} & (set(sys.modules) - before)"
    )
    path = tmp_path / "contexts.toml"
    path.write_text('[contexts.a]\nurl = "http://a"\n')
    path.chmod(0o600)
    script = script.replace("p / 'none'", "p.with_name('none')")
    subprocess.run([sys.executable, "-c", script, str(path)], check=True)
