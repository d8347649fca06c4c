"""The check of the built site sees what it is to see."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.report.browser import in_chromium
from tests.site import Page, dead_links, main

GOOD = (
    '<!DOCTYPE html><html><head><title>a</title></head><body><p id="here">text</p><a href="#here">up</a></body></html>'
)


def write(folder: Path, **pages: str) -> Path:
    for name, body in pages.items():
        (folder / f"{name}.html").write_text(GOOD.replace("<p ", f"{body}<p "))
    return folder


def test_a_dead_link_is_seen(tmp_path: Path) -> None:
    write(tmp_path, a='<a href="b.html#here">b</a>', b='<a href="c.html">c</a><a href="a.html#gone">a</a>')
    pages = {path: Page(path.read_text()) for path in sorted(tmp_path.glob("*.html"))}
    assert list(dead_links(pages)) == [
        "b.html: c.html leads nowhere",
        "b.html: a.html#gone leads to no place on a.html",
    ]


@pytest.mark.slow
@in_chromium
def test_what_is_too_wide_and_what_fails_is_seen(tmp_path: Path) -> None:
    in_a_box = '<div style="overflow-x: auto"><div style="width: 3000px">in a box</div></div>'
    wide = f'<div style="width: 900px">wide</div>{in_a_box}'
    write(tmp_path, good="", wide=wide, failing="<script>nothing.at.all</script>")
    first, second, third, *others = main(tmp_path)
    assert first.startswith("failing.html at 1280 px: Uncaught ReferenceError: nothing is not defined")
    assert second.startswith("failing.html at 400 px: ")
    assert third.startswith("wide.html is ")
    assert "wider than 400 px" in third
    assert "width: 900px" in third
    assert others == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["failing.html", "good.html", "wide.html"]
