"""Files that are no code and come with the package: in a checkout they are at their place, which is its top folder."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path


def folder(name: str) -> Traversable:
    """`docs` or `completions`."""
    packaged = files("rmqctl") / "data" / name
    return packaged if packaged.is_dir() else Path(__file__).parents[1] / name
