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
const isWide = (one) => one.getBoundingClientRect().right > innerWidth + 1 && !one.closest(".scroll, .code, pre");
const wide = [...document.querySelectorAll("body *")].filter(isWide).map((one) => one.outerHTML.slice(0, 80));
const out = document.createElement("pre");
out.id = "results";
out.textContent = JSON.stringify({ results, wide, errors: window.failures });
document.body.append(out);
</script>
"""


def driven(page: str, script: str, width: int, folder: Path) -> Any:
    """The ``results`` that ``script`` collects on ``page``, which must raise nothing and be no wider than ``width``."""
    text = page.replace("</head>", f"{_WATCH}</head>").replace(
        "</body>", f"<script>const results = [];{script}</script>{_REPORT}</body>"
    )
    (folder / "page.html").write_text(text)
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", f"--window-size={width},900", "--dump-dom"]
    answer = subprocess.run(
        [*command, f"file://{folder}/page.html"], capture_output=True, text=True, timeout=120, check=True
    )
    (shown,) = re.findall(r'<pre id="results">(.*?)</pre>', answer.stdout, re.DOTALL)
    report = json.loads(unescape(shown))
    assert report["errors"] == []
    assert report["wide"] == []
    return report["results"]
