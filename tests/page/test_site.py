"""The site of docs/, opened as files by a browser that reaches nobody."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from . import chromium

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    environ = {"NO_MKDOCS_2_WARNING": "1", "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(build, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_it_asks_nobody_for_anything(site: Path) -> None:
    loaded = re.compile(
        r'<(?:script|img|iframe|source)\b[^>]*\bsrc="([^"]*)"|<link\b(?![^>]*canonical)[^>]*\bhref="([^"]*)"'
    )
    pages = list(site.rglob("*.html"))
    assert len(pages) > 200
    for page in pages:
        found = [src or href for src, href in loaded.findall(page.read_text(encoding="utf-8"))]
        assert found
        assert not [each for each in found if "//" in each], page


def test_the_search_finds_a_command_without_a_server(site: Path, tmp_path: Path) -> None:
    with chromium.browser(tmp_path) as browser:
        browser.open(f"file://{site}/index.html?q=quorum_status")
        links = "[...document.querySelectorAll('.md-search-result__link')].map(each => each.href)"
        found = browser.wait(f"{links}.length && {links}")
        assert any("/reference/quorum_status.html" in each for each in found), found
        assert browser.errors == []
