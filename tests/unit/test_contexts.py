"""The contexts file: read, written, and made from rabbitmqadmin's."""

import os
import stat
import threading
from pathlib import Path

import pytest
from filelock import FileLock, SoftFileLock

from rmqctl import contexts
from rmqctl.contexts import Context, add, load, remove, use
from rmqctl.errors import ConfigError, DataError

FULL = """\
# our brokers
current = "prod" # the usual one

# ask Ann first
[contexts.prod]
url = "https://a:15671,https://b:15671" # two nodes
user = "ops"
password = "s3cret"
vhost = "/orders"
timeout = 30
ca_file = "/ca.pem"
cert_file = "/cert.pem"
key_file = "/key.pem"
insecure = false
read_only = true
protected = true

# a laptop
[contexts.dev]
url = ["http://localhost", "http://other:15672"]
timeout = 1.5

# comes last
[contexts."with space"]
token = "t0ken"
# the end
"""

PROD = Context(
    "prod",
    url="https://a:15671,https://b:15671",
    user="ops",
    password="s3cret",
    vhost="/orders",
    timeout=30,
    ca_file="/ca.pem",
    cert_file="/cert.pem",
    key_file="/key.pem",
    read_only=True,
    protected=True,
)
DEV = Context("dev", url="http://localhost,http://other:15672", timeout=1.5)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rmqctl" / "contexts.toml"


def write(path: Path, text: str | bytes, mode: int = 0o600) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(mode)
    return path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def refusal(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load(path)
    text = str(caught.value)
    assert "\n" not in text
    assert caught.value.exit_code == 78
    return text.replace(str(path), "PATH")


# load


def test_a_missing_file_holds_nothing(path: Path) -> None:
    loaded = load(path)
    assert (loaded.path, loaded.current, loaded.contexts) == (path, None, {})
    assert not path.parent.exists()


def test_every_key_is_read(path: Path) -> None:
    loaded = load(write(path, FULL))
    assert loaded.current == "prod"
    assert loaded.contexts == {"prod": PROD, "dev": DEV, "with space": Context("with space", token="t0ken")}
    assert loaded.get("dev") == DEV


@pytest.mark.parametrize("text", ["", "# nothing\n", "contexts = {}", "\ufeff[contexts.a]\r\nuser = 'x'\r\n"])
def test_files_that_say_little(path: Path, text: str) -> None:
    assert load(write(path, text)).current is None


@pytest.mark.parametrize(
    "text",
    [
        "[contexts]\nprod = {url = 'http://h'}",
        "contexts.prod.url = 'http://h'",
        "contexts = {prod = {url = 'http://h'}}",
        "[contexts.'prod']\nurl = '''http://h'''",
        "[contexts]\n[contexts.prod]\nurl = [\n  'http://h', # one\n]",
    ],
)
def test_every_way_to_write_a_table_counts(path: Path, text: str) -> None:
    assert load(write(path, text)).contexts == {"prod": Context("prod", url="http://h")}


def test_two_ways_to_log_in_are_one_too_many(path: Path) -> None:
    text = "[contexts.prod]\npassword = 'x'\nuser = 'ops'\ntoken = 'y'\n"
    with pytest.raises(ConfigError) as caught:
        load(write(path, text))
    assert str(caught.value) == f"{path}, line 4: context 'prod' has both 'password' and 'token': one way to log in"


def test_secrets_stay_out_of_repr() -> None:
    shown = repr(Context("x", url="http://u:s3cret@h", password="s3cret", token="s3cret", user="ann"))
    assert "s3cret" not in shown
    assert "ann" in shown


def test_an_unknown_context_names_the_file_the_closest_and_what_there_is(path: Path) -> None:
    loaded = load(write(path, FULL))
    with pytest.raises(ConfigError) as caught:
        loaded.get("prd")
    assert str(caught.value) == (
        f"{path}: no context 'prd': did you mean 'prod'? The file has 'dev', 'prod', 'with space'"
    )
    with pytest.raises(ConfigError) as caught:
        loaded.get("zzz")
    assert str(caught.value) == f"{path}: no context 'zzz': the file has 'dev', 'prod', 'with space'"


def test_an_unknown_context_of_an_empty_file(path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(path).get("prod")
    assert str(caught.value) == f"{path}: no context 'prod': the file has none (`rmqctl context add` makes one)"


KNOWN = (
    "url, user, password, password_file, password_command, token, vhost, timeout, ca_file, cert_file, key_file, "
    "insecure, read_only, protected"
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[contexts.a]\nuser 'x'\n", "line 2: Expected '=' after a key in a key/value pair"),
        ("[contexts.a]\n\nuser = \n", "line 3: Invalid value"),
        ("[contexts.a]\nuser = 'x", 'line 2: Expected "\'"'),
        ("[contexts.a]\nuser = 'x'\nuser = 'y'\n", "line 3: Cannot overwrite a value"),
        ("[contexts.a]\n[contexts.a]\n", "line 2: Cannot declare ('contexts', 'a') twice"),
        ("[contexts.a]\ntimeout = " + "9" * 5000 + "\n", "line 2: a number or an array that is too large"),
        ("a = " + "[" * 100_000, "line 1: a number or an array that is too large"),
        ("curent = 'a'\n", "line 1: unknown key 'curent': did you mean 'current'?"),
        ("# x\n[context.a]\n", "line 2: unknown key 'context': did you mean 'contexts'?"),
        ("\n\nxyz = 1\n", "line 3: unknown key 'xyz' (known: current, contexts)"),
        ("current = 1\n", "line 1: 'current' must be a string, not an integer"),
        ("# c\ncontexts = 'prod'\n", "line 2: 'contexts' must be a table, not a string"),
        ("[[contexts]]\nurl = 'x'\n", "line 1: 'contexts' must be a table, not an array"),
        ("[contexts]\nprod = 'http://h'\n", "line 2: context 'prod' must be a table, not a string"),
        ("[contexts.'']\n", "line 1: '' is no name for a context"),
        ('[contexts.b]\n[contexts."a\\u0007"]\n', "line 1: 'a\\x07' is no name for a context"),
        (
            "[contexts.dev]\npassword = 'a'\n\n[contexts.prod]\n# pasword = 1\npasword = 'x'\n",
            "line 6: unknown key 'pasword' in context 'prod': did you mean 'password'?",
        ),
        ("[contexts.a]\nqqq = 'x'\n", f"line 2: unknown key 'qqq' in context 'a' (known: {KNOWN})"),
        (
            "[contexts.a]\n\"user\\u006eame\" = 'x'\n",
            "line 1: unknown key 'username' in context 'a': did you mean 'user'?",
        ),
        ("[contexts.a.deep]\n", f"line 1: unknown key 'deep' in context 'a' (known: {KNOWN})"),
        ("[contexts]\na.url = 'x'\na.usr = 'x'\n", "line 3: unknown key 'usr' in context 'a': did you mean 'user'?"),
        (
            "[contexts.a]\nurl = 5\n",
            "line 2: 'url' in context 'a' must be a string or an array of strings, not an integer",
        ),
        (
            "[contexts.a]\nurl = []\n",
            "line 2: 'url' in context 'a' must be a string or an array of strings, not an array",
        ),
        (
            "[contexts.b]\nurl = 'x'\n[contexts.a]\n\nurl = [\n 'h',\n 5,\n]\n",
            "line 5: 'url' in context 'a' must be a string or an array of strings, not an array",
        ),
        ("[contexts.a]\npassword = 1234\n", "line 2: 'password' in context 'a' must be a string, not an integer"),
        ("[contexts.a]\nuser = 2024-01-01\n", "line 2: 'user' in context 'a' must be a string, not a date or time"),
        ("[contexts.a]\nuser = {}\n", "line 2: 'user' in context 'a' must be a string, not a table"),
        (
            "[contexts.a]\ntimeout = '30s'\n",
            "line 2: 'timeout' in context 'a' must be a number of seconds, not a string",
        ),
        (
            "[contexts.a]\ntimeout = true\n",
            "line 2: 'timeout' in context 'a' must be a number of seconds, not a boolean",
        ),
        (
            "[contexts.a]\ntimeout = -1\n",
            "line 2: 'timeout' in context 'a' must be a number of seconds, not a negative number",
        ),
        ("[contexts.a]\ntimeout = inf\n", "line 2: 'timeout' in context 'a' must be a number of seconds, not a float"),
        ("[contexts.a]\ntimeout = nan\n", "line 2: 'timeout' in context 'a' must be a number of seconds, not a float"),
        ("[contexts.a]\nread_only = 1\n", "line 2: 'read_only' in context 'a' must be true or false, not an integer"),
        (
            "[contexts.a]\r\nread_only = 'yes'\r\n",
            "line 2: 'read_only' in context 'a' must be true or false, not a string",
        ),
        (
            "# x\ncurrent = 'prd'\n[contexts.prod]\n[contexts.dev]\n",
            "line 2: current is 'prd', but there is no such context: did you mean 'prod'? The file has 'dev', 'prod'",
        ),
        (
            "current = 'prod'\n",
            "line 1: current is 'prod', but there is no such context: the file has none "
            "(`rmqctl context add` makes one)",
        ),
        (b"[contexts.a]\n# caf\xe9\n", "line 2: not UTF-8"),
    ],
)
def test_a_broken_file_is_refused_with_its_line(path: Path, text: str | bytes, message: str) -> None:
    assert refusal(write(path, text)) == f"PATH, {message}"


def test_a_wrong_value_is_not_repeated(path: Path) -> None:
    assert "99887766" not in refusal(write(path, "[contexts.a]\npassword = 99887766\n"))


def test_a_line_separator_within_a_comment_does_not_shift_the_lines(path: Path) -> None:
    assert refusal(write(path, "# a\u2028b\x0c\n[contexts.a]\nx = 1\n".replace("\x0c", "\u0085"))).startswith(
        "PATH, line 3"
    )


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path) == "PATH: this is a folder, not a contexts file"


def test_a_file_within_a_file_is_refused(path: Path) -> None:
    write(path, "")
    assert refusal(path / "x") == "PATH/x: cannot read the contexts file: Not a directory".replace("PATH/x", "PATH")


def test_an_unreadable_file_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_args: object, **_kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    write(path, "")
    monkeypatch.setattr(Path, "open", denied)
    assert refusal(path) == "PATH: cannot read the contexts file: Permission denied"


def test_a_loop_of_links_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.symlink_to(path)
    assert refusal(path) == "PATH: cannot read the contexts file: Too many levels of symbolic links"


# permissions


@pytest.mark.parametrize(
    "key", ["password = 'x'", "token = 'x'", "url = 'http://u:x@h'", "url = ['http://h', 'u:x@h']"]
)
@pytest.mark.parametrize("bits", [0o644, 0o640, 0o604, 0o620])
def test_a_stored_secret_that_others_can_read_is_refused(path: Path, key: str, bits: int) -> None:
    write(path, f"[contexts.a]\n[contexts.b]\n{key}\n", bits)
    assert refusal(path) == (
        f"PATH: it stores a password or token and others can read it (mode {bits:04o}): run chmod 600 PATH"
    )


def test_the_advice_can_be_pasted(tmp_path: Path) -> None:
    path = write(tmp_path / "my contexts.toml", "[contexts.a]\ntoken = 'x'\n", 0o644)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value).endswith(f"run chmod 600 '{path}'")


@pytest.mark.parametrize("bits", [0o600, 0o400, 0o700])
def test_a_secret_that_only_the_owner_can_read_is_fine(path: Path, bits: int) -> None:
    assert load(write(path, FULL, bits)).get("prod").password == "s3cret"


@pytest.mark.parametrize(
    "key",
    ["user = 'x'", "password_file = '/x'", "password_command = 'pass x'", "url = 'http://u@h:15672'", "password = ''"],
)
def test_a_file_without_secrets_may_be_open(path: Path, key: str) -> None:
    assert load(write(path, f"[contexts.a]\n{key}\n", 0o644)).get("a")


# add


def test_the_first_context_makes_file_and_folder_for_the_owner_only(path: Path) -> None:
    old = os.umask(0)
    try:
        add(path, PROD)
    finally:
        os.umask(old)
    assert mode(path) == 0o600
    assert mode(path.parent) == 0o700
    assert load(path).contexts == {"prod": PROD}
    assert load(path).current is None
    assert path.read_text() == (
        '[contexts.prod]\nurl = "https://a:15671,https://b:15671"\nuser = "ops"\npassword = "s3cret"\n'
        'vhost = "/orders"\ntimeout = 30\nca_file = "/ca.pem"\ncert_file = "/cert.pem"\nkey_file = "/key.pem"\n'
        "read_only = true\nprotected = true\n"
    )


def test_a_new_context_comes_last_and_all_else_stays(path: Path) -> None:
    add(write(path, FULL), Context("new one", user='o"x\\y\nz', insecure=True))
    assert path.read_text() == FULL + '\n[contexts."new one"]\nuser = "o\\"x\\\\y\\nz"\ninsecure = true\n'
    assert load(path).get("new one") == Context("new one", user='o"x\\y\nz', insecure=True)


@pytest.mark.parametrize(
    "text",
    [
        "# only a comment\n",
        "current = 'a'\n[contexts.a]",
        "[contexts]\na.user = 'x'\n",
        "[contexts]\na = {user = 'x'}\n",
        "contexts = {a = {user = 'x'}}\n",
        "[contexts.a]\r\nuser = 'x'\r\n",
        "[contexts.a]\n[contexts]\n",
    ],
)
def test_a_context_is_added_whatever_the_layout(path: Path, text: str) -> None:
    before = load(write(path, text))
    add(path, DEV)
    after = load(path)
    assert after.contexts == {**before.contexts, "dev": DEV}
    assert after.current == before.current


def test_several_contexts_are_set_apart_by_one_blank_line(path: Path) -> None:
    for name in ("a", "b", "c"):
        add(path, Context(name, user=name))
    use(path, "b")
    assert path.read_text() == (
        'current = "b"\n\n[contexts.a]\nuser = "a"\n\n[contexts.b]\nuser = "b"\n\n[contexts.c]\nuser = "c"\n'
    )


def test_an_existing_context_is_not_overwritten(path: Path) -> None:
    write(path, FULL)
    with pytest.raises(DataError) as caught:
        add(path, DEV)
    assert str(caught.value) == f"{path}: context 'dev' already exists: --replace overwrites it"
    assert caught.value.exit_code == 65
    assert path.read_text() == FULL


def test_replace_changes_what_differs_and_keeps_order_and_comments(path: Path) -> None:
    changed = Context("prod", url="http://c", user="ops", read_only=True, token="t")
    add(write(path, FULL), changed, replace=True)
    text = path.read_text()
    assert load(path).contexts == {**load(write(path, FULL)).contexts, "prod": changed}
    assert text.startswith(
        '# our brokers\ncurrent = "prod" # the usual one\n\n# ask Ann first\n[contexts.prod]\n'
        'url = "http://c" # two nodes\nuser = "ops"\ninsecure = false\nread_only = true\ntoken = "t"\n'
    )
    assert text.endswith(FULL[FULL.index("\n# a laptop") :])


def test_replace_without_a_change_changes_nothing(path: Path) -> None:
    add(write(path, FULL), PROD, replace=True)
    assert path.read_text() == FULL


def test_replace_of_a_context_that_is_new_adds_it(path: Path) -> None:
    add(path, DEV, replace=True)
    assert load(path).contexts == {"dev": DEV}


def test_replace_within_inline_tables(path: Path) -> None:
    add(write(path, "[contexts]\na = {user = 'x'}\n"), Context("a", user="y", vhost="v"), replace=True)
    assert load(path).contexts == {"a": Context("a", user="y", vhost="v")}


@pytest.mark.parametrize("name", ["", " ", "a\nb", "\x1b[2J", "a\x00"])
def test_a_name_must_be_one_that_can_be_shown(path: Path, name: str) -> None:
    with pytest.raises(DataError) as caught:
        add(path, Context(name))
    assert str(caught.value) == f"{name!r} is no name for a context: it must not be empty nor hold control characters"
    assert not path.exists()


@pytest.mark.parametrize("name", ["prod.eu-1_a", "größe", "a 'b' \"c\"", "#x", "a=b", "[x]", "true", "1"])
def test_any_other_name_will_do(path: Path, name: str) -> None:
    add(path, Context(name, user="x"))
    use(path, name)
    assert load(path).current == name
    add(path, Context(name, user="y"), replace=True)
    assert load(path).contexts == {name: Context(name, user="y")}
    remove(path, name)
    assert load(path).contexts == {}
    assert load(path).current is None


# use and remove


def test_use_changes_one_word(path: Path) -> None:
    use(write(path, FULL), "dev")
    assert path.read_text() == FULL.replace('current = "prod" #', 'current = "dev" #')


def test_use_puts_current_first(path: Path) -> None:
    use(write(path, "# head\n\n[contexts.a]\nuser = 'x'\n"), "a")
    assert path.read_text() == "# head\ncurrent = \"a\"\n\n[contexts.a]\nuser = 'x'\n"


def test_use_repairs_a_current_that_names_nothing(path: Path) -> None:
    use(write(path, "current = 'gone'\n\n[contexts.a]\n"), "a")
    assert load(path).current == "a"


@pytest.mark.parametrize("change", [use, remove])
def test_an_unknown_context_cannot_be_used_or_removed(path: Path, change: object) -> None:
    assert callable(change)
    write(path, FULL)
    with pytest.raises(ConfigError) as caught:
        change(path, "dve")
    assert str(caught.value).startswith(f"{path}: no context 'dve': did you mean 'dev'?")
    assert path.read_text() == FULL


def test_a_removed_context_takes_its_own_comments_along(path: Path) -> None:
    remove(write(path, FULL), "dev")
    assert path.read_text() == FULL.replace(FULL[FULL.index("# a laptop") : FULL.index("# comes last")], "")


def test_removing_the_last_table(path: Path) -> None:
    remove(write(path, FULL), "with space")
    assert path.read_text() == FULL[: FULL.index("\n# comes last")]


def test_removing_the_current_context_leaves_none(path: Path) -> None:
    remove(write(path, FULL), "prod")
    loaded = load(path)
    assert loaded.current is None
    assert list(loaded.contexts) == ["dev", "with space"]
    assert path.read_text() == "# our brokers\n\n" + FULL[FULL.index("# a laptop") :]


def test_the_comment_that_opens_the_file_stays(path: Path) -> None:
    remove(write(path, "# my brokers\n[contexts.a]\nuser = 'x'\n\n[contexts.b]\n"), "a")
    assert path.read_text() == "# my brokers\n[contexts.b]\n"


@pytest.mark.parametrize(
    "text",
    [
        "[contexts]\na.user = 'x'\nb.user = 'y'\n",
        "[contexts]\na = {user = 'x'}\nb = {user = 'y'}\n",
        "contexts = {a = {user = 'x'}, b = {user = 'y'}}\n",
        "[ contexts . 'a' ] # first\nuser = 'x'\n[contexts.b]\nuser = 'y'\n",
        "[contexts.a]\r\nuser = 'x'\r\n\r\n[contexts.b]\r\nuser = 'y'\r\n",
        "[contexts.b]\nuser = 'y'\n[contexts.a]\nuser = 'x'",
        "[contexts.b]\nuser = 'y'\n[contexts.a]\nurl = [\n  'x',\n]\n[contexts]\n",
    ],
)
def test_a_context_is_removed_whatever_the_layout(path: Path, text: str) -> None:
    remove(write(path, text), "a")
    assert load(path).contexts == {"b": Context("b", user="y")}


# how it is written


def test_a_broken_file_is_never_rewritten(path: Path) -> None:
    write(path, "[contexts.a]\nuser 'x'\n")
    for change in (lambda: add(path, DEV), lambda: use(path, "a"), lambda: remove(path, "a")):
        with pytest.raises(ConfigError, match="line 2: Expected '='"):
            change()
    assert path.read_text() == "[contexts.a]\nuser 'x'\n"


def test_an_open_file_is_closed_by_writing(path: Path) -> None:
    add(write(path, "[contexts.a]\n", 0o644), PROD)
    assert mode(path) == 0o600


def test_a_link_is_written_through(path: Path, tmp_path: Path) -> None:
    target = write(tmp_path / "dotfiles" / "contexts.toml", FULL)
    path.parent.mkdir()
    path.symlink_to(target)
    add(path, Context("new"))
    assert path.is_symlink()
    assert "new" in load(target).contexts


def test_a_link_to_nothing_makes_its_target(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir()
    path.symlink_to(tmp_path / "dotfiles" / "contexts.toml")
    add(path, DEV)
    assert load(tmp_path / "dotfiles" / "contexts.toml").contexts == {"dev": DEV}


def test_what_is_no_regular_file_is_not_replaced(path: Path) -> None:
    path.parent.mkdir()
    path.symlink_to("/dev/null")
    with pytest.raises(ConfigError) as caught:
        add(path, DEV)
    assert str(caught.value) == f"{path}: this is not a regular file"


def test_a_failed_write_leaves_the_old_file_and_nothing_else(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    write(path, FULL)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError) as caught:
        add(path, Context("new"))
    assert str(caught.value) == f"{path}: cannot write the contexts file: No space left on device"
    assert path.read_text() == FULL
    assert {each.name for each in path.parent.iterdir()} - {".contexts.toml.lock"} == {"contexts.toml"}


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    write(tmp_path / "file", "")
    with pytest.raises(ConfigError, match="cannot write the contexts file: "):
        add(tmp_path / "file" / "contexts.toml", DEV)


def test_an_edit_that_would_change_anything_else_is_not_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contexts, "_with_context", lambda text, context: text)
    with pytest.raises(ConfigError) as caught:
        add(write(path, FULL), Context("new"))
    assert str(caught.value) == f"{path}: its layout is too unusual to be changed by rmqctl: edit it by hand"
    monkeypatch.setattr(contexts, "_with_context", lambda text, context: "broken =")
    with pytest.raises(ConfigError, match="edit it by hand"):
        add(path, Context("new"))
    assert path.read_text() == FULL


def test_a_writer_that_does_not_end_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rmqctl.contexts._PATIENCE", 0.05)
    write(path, FULL)
    lock = path.with_name(f".{path.name}.lock")
    with FileLock(lock), pytest.raises(ConfigError, match="another program is writing it"):
        add(path, Context("new"))
    assert path.read_text() == FULL


@pytest.mark.skipif(FileLock is SoftFileLock, reason="the system has no locks")
def test_writers_at_the_same_time_lose_nothing(path: Path) -> None:
    threads = [threading.Thread(target=add, args=(path, Context(f"c{n}", user="x"))) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(load(path).contexts) == {f"c{n}" for n in range(20)}
