"""The tutorial's programs as files of the user's. They connect to AMQP_URL, else to a broker on this machine."""

from pathlib import Path

from rmqctl.errors import UsageError

PROGRAMS = Path(__file__).parent / "programs"
FIRST = "send.py"


def save(folder: Path) -> list[Path]:
    """Writes them; one that is there already and was changed is never overwritten. Returns the files, the first to run in front.

    Raises UsageError, and then has written nothing.
    """
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted(PROGRAMS.glob("*.py"))}
    targets = {folder / name: text for name, text in sorted(texts.items(), key=lambda each: each[0] != FIRST)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in targets.items():
            if path.exists() and path.read_text(encoding="utf-8") != text:
                raise UsageError(f"--save: {path} is there already, with other contents")
        for path, text in targets.items():
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--save: {error.filename or folder}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"--save: {folder} has files of these names that are no text") from None
    return list(targets)
