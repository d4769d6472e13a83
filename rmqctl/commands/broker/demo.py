"""A broker to play with: any command against a small living world, or the tutorial as scenes."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from rmqctl.errors import UsageError
from rmqctl.result import Nothing, Rows
from rmqctl.session import Session

Words = Annotated[list[str] | None, typer.Argument(metavar="[COMMAND]...", show_default=False)]
SceneNames = Annotated[
    list[str] | None,
    typer.Option("--scene", metavar="NAME", help="Play this scene only; may be repeated.", show_default=False),
]
Auto = Annotated[bool, typer.Option("--auto", help="Do not wait for Enter; end after the last scene.")]
Save = Annotated[
    Path | None,
    typer.Option(
        "--save", metavar="DIR", help="Write the tutorial's programs there, ready to run.", show_default=False
    ),
]
List = Annotated[bool, typer.Option("--list", help="List the scenes.")]


def demo(
    session: Session,
    words: Words = None,
    scene: SceneNames = None,
    auto: Auto = False,
    list_: List = False,
    save: Save = None,
) -> Rows | Nothing:
    """Run any command on a demo broker, or play the tutorial.

    The demo broker runs inside rmqctl, on free ports of this machine, and is gone
    afterwards.

    COMMAND is any command of rmqctl with its options. The broker has sample queues,
    exchanges and clients. The exit code is that of the command.

    Without COMMAND the scenes of the tutorial are played: programs, commands and
    what they print. Enter goes on, b plays the scene before, s skips to the
    next. On a terminal the broker then keeps running until Ctrl-C.
    """
    if save is not None:
        if words or scene or auto or list_:
            raise UsageError("demo: --save stands alone: it writes the programs and ends")
        return _save(session, save)
    if not words:
        if list_:
            return _scenes()
        return _play(session, scene or [], auto)
    if scene or auto or list_:
        raise UsageError("demo: --scene, --auto and --list are about the scenes: they do not go with a command")
    if all(word.startswith("-") for word in words):
        raise UsageError(f"demo: there is no command in {' '.join(words)!r}")
    if "demo" in words[:1]:
        raise UsageError("demo: a demo within the demo has no end")
    from rmqctl.demo.play import run_in_world

    return Nothing(exit_code=run_in_world(session, words))


def _play(session: Session, names: list[str], auto: bool) -> Nothing:
    from rmqctl.demo.play import play

    play(session, _known(names), auto=auto)
    return Nothing()


def _save(session: Session, folder: Path) -> Rows:
    from rmqctl.demo.saved import save

    paths = save(folder)
    session.hint(
        f"They need pika (pip install pika) and a broker (rmqctl broker start). Start with: python {shlex.quote(str(paths[0]))}"
    )
    return Rows(("path",), [(str(path),) for path in paths])


def _scenes() -> Rows:
    from rmqctl.demo.scenes import SCENES

    return Rows(("name", "title"), [(scene.name, scene.title) for scene in SCENES])


def _known(names: list[str]) -> list[str]:
    """The names, checked. Raises UsageError."""
    from rmqctl.demo.scenes import SCENES

    known = [scene.name for scene in SCENES]
    for name in names:
        if name not in known:
            raise UsageError(f"demo: no scene {name!r}; there are {', '.join(known)}")
    return names
