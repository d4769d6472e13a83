"""Where a password comes from: the option itself, standard input, a file, a command or a prompt. And its hash."""

from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from rmqctl.errors import ConfigError, UsageError
from rmqctl.settings import Credentials


def read(credentials: Credentials, stdin: TextIO, prompt: Callable[[str], str] | None) -> str:
    """The password of `credentials.user`.

    `prompt` asks on the terminal, None when there is none. One final newline is dropped from stdin and file; of what the
    command prints the first line counts, as password stores keep notes below it.
    Raises ConfigError when a source fails, UsageError when there is no source at all.
    """
    if credentials.password is not None:
        return credentials.password
    if credentials.from_stdin:
        return _one_line(stdin.read())
    if credentials.password_file is not None:
        return _from_file(Path(credentials.password_file).expanduser())
    if credentials.password_command is not None:
        return _from_command(credentials.password_command)
    if credentials.user == "guest":
        return "guest"
    if prompt is None:
        raise UsageError(
            f"no password for user {credentials.user!r}: give --password-file, --password-stdin, --password-command "
            "or RMQCTL_PASSWORD"
        )
    return prompt(f"Password of {credentials.user}: ")


def _one_line(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r")


def _from_file(path: Path) -> str:
    try:
        return _one_line(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ConfigError(f"password file {path}: {reason}") from None


def _from_command(command: str) -> str:
    """The command is not shown, as it may hold the secret itself."""
    import os
    import shlex
    import subprocess

    from rmqctl import children

    try:
        words = shlex.split(command)
        if not words:
            raise ConfigError("the password command is empty")
        done = subprocess.run(  # noqa: S603 (the user's own command)
            words, stdout=subprocess.PIPE, text=True, check=False, env=children.environment(os.environ)
        )
    except OSError as error:
        raise ConfigError(f"the password command: {error.strerror} (it is run without a shell)") from None
    except ValueError as error:  # a quote that is not closed, a NUL, an answer that is no text
        why = str(error) if not isinstance(error, UnicodeDecodeError) else "its answer is not UTF-8"
        raise ConfigError(f"the password command: {why}") from None
    if done.returncode != 0:
        raise ConfigError(f"the password command ended with exit code {done.returncode}")
    return _one_line(done.stdout.partition("\n")[0])


HASHES = ("sha256", "sha512", "md5")


def hashed(password: str, algorithm: str, salt: bytes) -> str:
    """What RabbitMQ stores: Base64 of a salt of four bytes and the digest of the salt and the password."""
    import hashlib
    from base64 import b64encode

    digest = hashlib.new(algorithm, salt + password.encode(errors="surrogateescape"), usedforsecurity=False).digest()
    return b64encode(salt + digest).decode("ascii")
