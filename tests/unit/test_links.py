"""Links of the texts at the top: absolute in the README, which the package index shows, and to files that there are."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HERE = "https://github.com/rmqctl/rmqctl/blob/main/"
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")


def links(name: str) -> list[str]:
    return LINK.findall((ROOT / name).read_text(encoding="utf-8"))


def test_the_links_of_the_readme_are_absolute() -> None:
    assert links("README.md")
    assert [link for link in links("README.md") if not link.startswith("https://")] == []


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/architecture.md"])
def test_the_files_that_are_linked_exist(name: str) -> None:
    files = [ROOT / link.removeprefix(HERE) for link in links(name) if link.startswith(HERE)]
    files += [(ROOT / name).parent / link for link in links(name) if not link.startswith("https://")]
    assert [file for file in files if not file.exists()] == []
