"""The page itself: the files that were built into the package, read once, and handed out by name alone.

No path that a client sends ever reaches the disk. Where the page was not built (a checkout that was not installed), a plain
page says how.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from luthier.web.wire import packed

__all__ = ["Page", "Served", "one_file", "read_page"]

_KINDS = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "ico": "image/x-icon",
    "woff2": "font/woff2",
    "json": "application/json",
    "webmanifest": "application/manifest+json",
    "txt": "text/plain; charset=utf-8",
}
_MISSING = b"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Luthier</title>
<h1>The page is not built</h1>
<p>The server runs and answers under <code>api/</code>, but its page was not built into this installation.
In a checkout, <code>make install</code> builds it; an installed Luthier always has it, so install it again.</p></html>
"""
_SCRIPT = re.compile(r'<script[^>]*\ssrc="\./?(?P<name>[^"]+)"[^>]*></script>')
_STYLE = re.compile(r'<link[^>]*\shref="\./?(?P<name>[^"]+\.css)"[^>]*>')
_ICON = re.compile(r'<link[^>]*rel="(?:icon|manifest)"[^>]*>')


@dataclass(frozen=True, slots=True)
class Served:
    """One file. `small` is it as gzip, empty where that is no smaller; `is_named_for_its_content` lets browsers keep it."""

    kind: str
    content: bytes
    small: bytes
    is_named_for_its_content: bool


@dataclass(frozen=True, slots=True)
class Page:
    """All files by the names they are asked for; `index.html` is the page."""

    files: dict[str, Served]

    @property
    def is_built(self) -> bool:
        """Whether there is more than the plain page."""
        return len(self.files) > 1


def read_page() -> Page:
    """Reads what was built into the package."""
    found: dict[str, Served] = {}
    root = files("luthier.web") / "page"
    _gather(root, "", found)
    if "index.html" not in found:
        found = {"index.html": _served("index.html", _MISSING)}
    return Page(found)


def _gather(folder: Any, before: str, found: dict[str, Served]) -> None:
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
        name = f"{before}{entry.name}"
        if entry.is_dir():
            _gather(entry, f"{name}/", found)
        elif name.rpartition(".")[2] in _KINDS:
            found[name] = _served(name, entry.read_bytes())


def _served(name: str, content: bytes) -> Served:
    small = gzip.compress(content, 9, mtime=0)
    return Served(
        _KINDS[name.rpartition(".")[2]],
        content,
        small if len(small) < 0.9 * len(content) else b"",
        name.startswith("assets/"),
    )


def one_file(page: Page, data: dict[str, Any], title: str) -> bytes:
    """The page as one file that works from disk, with the data inside. Its own policy forbids every request, and every script
    but the one that is in it."""
    html = page.files["index.html"].content.decode("utf-8")
    styles, scripts = list[str](), list[str]()
    for found in _STYLE.finditer(html):
        styles.append(page.files[found["name"]].content.decode("utf-8"))
    for found in _SCRIPT.finditer(html):
        scripts.append(page.files[found["name"]].content.decode("utf-8"))
    html = _ICON.sub("", _SCRIPT.sub("", _STYLE.sub("", html)))
    script = "\n".join(scripts).replace("</script", "<\\/script").replace("<!--", "<\\!--")
    style = "\n".join(styles).replace("</style", "<\\/style")
    inside = packed(data).decode("utf-8").replace("<", "\\u003c")
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    head = (
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f"<style>{style}</style>"
        f'<script type="application/json" id="luthier-data">{inside}</script>'
    )
    shown = title.replace("&", "&amp;").replace("<", "&lt;")
    html = re.sub(r"<title>.*?</title>", lambda _: f"<title>{shown}</title>", html, count=1, flags=re.DOTALL)
    # After the charset: what comes before it could be read in another one.
    html = re.sub(r"(<meta charset=[^>]*>)", lambda found: found[1] + head, html, count=1)
    return html.replace("</body>", f'<script type="module">{script}</script></body>', 1).encode("utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
