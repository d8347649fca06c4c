"""Every page of the built site, in headless Chromium at two widths: ``python -m tests.site docs/_build/html``.

Nothing is wider than the page but what scrolls by itself, no script fails, and every link leads to a page and a place
that are there. ``.ci/run`` calls it after the site is built.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.report.browser import CHROMIUM, observed

WIDTHS = (1280, 400)


class Page(HTMLParser):
    """The links of a page, and the names of the places in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.places |= {given[name] or "" for name in ("id", "name") if name in given}
        link = given.get("href" if tag in ("a", "link") else "src")
        if link:
            self.links.append(link)


def dead_links(pages: dict[Path, Page]) -> Iterator[str]:
    """Each link from a page to a file, or to a place on a page, that is not there."""
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file():
                yield f"{path.name}: {link} leads nowhere"
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].places:
                yield f"{path.name}: {link} leads to no place on {target.name}"


def main(folder: Path) -> list[str]:
    """What is wrong with the site in ``folder``."""
    paths = sorted(path.resolve() for path in folder.rglob("*.html"))
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in paths}
    wrong = list(dead_links(pages))
    if CHROMIUM is None:
        sys.stderr.write("Chromium is not installed: widths and scripts of the site are not checked\n")
        return wrong
    with ThreadPoolExecutor(2) as both:  # each waits for a browser
        for found in both.map(faults_of, paths):
            wrong += [f"{path.relative_to(folder.resolve())}{fault}" for path, fault in found]
    return wrong


def faults_of(path: Path) -> list[tuple[Path, str]]:
    """What a reader would see go wrong on one page."""
    faults = []
    for width in WIDTHS:
        report = observed(path, width)
        faults += [(path, f" at {width} px: {error}") for error in report["errors"]]
        if report["overflow"] > 0:
            faults.append((path, f" is {report['overflow']} px wider than {width} px: {report['wide'][:3]}"))
    return faults


if __name__ == "__main__":
    faults = main(Path(sys.argv[1]))
    sys.stdout.write(("\n".join(faults) or "no page is too wide, no link is dead, no script fails") + "\n")
    sys.exit(bool(faults))
