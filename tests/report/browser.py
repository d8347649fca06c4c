"""Pages in headless Chromium, where Debian's package is installed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium")

#: For tests that need it.
in_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium, as Debian's package has it")

_WATCH = """
<script>
window.failures = [];
addEventListener("error", (event) => window.failures.push(event.message));
</script>
"""
_REPORT = """
<script>
const clips = (one) => /auto|scroll|hidden/.test(getComputedStyle(one).overflowX);
const scrolls = (one) => one && (clips(one) || scrolls(one.parentElement));
const isWide = (one) => one.getBoundingClientRect().right > innerWidth + 1 && !scrolls(one.parentElement);
const wide = [...document.querySelectorAll("body *")].filter(isWide).map((one) => one.outerHTML.slice(0, 80));
const overflow = document.documentElement.scrollWidth - innerWidth;
const out = document.createElement("pre");
out.id = "results";
out.textContent = JSON.stringify({ results: window.results, wide, overflow, errors: window.failures });
document.body.append(out);
</script>
"""


def driven(page: str, script: str, width: int, folder: Path) -> Any:
    """The ``results`` that ``script`` collects on ``page``, which must raise nothing and be no wider than ``width``."""
    path = folder / "page.html"
    path.write_text(page.replace("</body>", f"<script>window.results = [];{script}</script></body>"))
    report = observed(path, width)
    assert report["errors"] == []
    assert report["wide"] == []
    return report["results"]


def observed(path: Path, width: int) -> Any:
    """What happens on the page at ``path``: errors, what is wider than ``width``, and ``results`` of its own."""
    text = path.read_text(encoding="utf-8").replace("<head>", f"<head>{_WATCH}", 1)
    before, _, after = text.rpartition("</body>")
    watched = path.with_name(f"watched-{path.name}")  # beside it, where its links lead on
    watched.write_text(f"{before}{_REPORT}</body>{after}", encoding="utf-8")
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", f"--window-size={width},900", "--dump-dom"]
    try:
        answer = subprocess.run([*command, watched.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    finally:
        watched.unlink()
    (shown,) = re.findall(r'<pre id="results">(.*?)</pre>', answer.stdout, re.DOTALL)
    return json.loads(unescape(shown))
