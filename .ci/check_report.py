"""Refuses a demo that left no usable report: a whole, offline HTML page newer than its start."""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path

SKIPPED = {".venv", ".git", "tests"}
LOADING_ATTRIBUTES = {
    "script": "src",
    "link": "href",
    "img": "src",
    "iframe": "src",
    "source": "src",
}


class Page(HTMLParser):
    """What the check needs to know of a page: which tags it has and what it would download."""

    def __init__(self) -> None:
        super().__init__()
        self.downloads: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag, and the address when opening the page would fetch it."""
        self.tags.add(tag)
        address = dict(attrs).get(LOADING_ATTRIBUTES.get(tag, ""), None) or ""
        if address.startswith(("http:", "https:", "//")):
            self.downloads.append(f"<{tag}> {address}")

    def handle_endtag(self, tag: str) -> None:
        """Note that the tag was closed; a page cut off in the middle never closes html."""
        self.tags.add(f"/{tag}")


def reports_since(marker: Path) -> list[Path]:
    """HTML files of the checkout written after `marker`, oldest first."""
    began = marker.stat().st_mtime_ns
    pages = (p for p in Path().rglob("*.html") if SKIPPED.isdisjoint(p.parts))
    written = sorted((p.stat().st_mtime_ns, p) for p in pages)
    return [page for written_ns, page in written if written_ns >= began]


def problems(report: Path) -> list[str]:
    """What is wrong with the report; nothing when it is whole and works offline."""
    page = Page()
    page.feed(report.read_text(encoding="utf-8"))
    found = [
        f"it has no {tag} tag" for tag in ("title", "script", "/html") if tag not in page.tags
    ]
    return found + [f"it would download {address}" for address in page.downloads]


def main(marker: Path) -> int:
    """0 when the newest report passes; 1 with a line for each problem otherwise."""
    reports = reports_since(marker)
    if not reports:
        sys.stderr.write("the demo left no HTML report\n")
        return 1
    found = problems(reports[-1])
    for problem in found:
        sys.stderr.write(f"{reports[-1]}: {problem}\n")
    if not found:
        size_mb = reports[-1].stat().st_size / 1e6
        sys.stdout.write(f"report: {reports[-1]} ({size_mb:.1f} MB, whole and offline)\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
