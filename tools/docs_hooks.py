"""Hooks of the documentation build: navigation from folders, and tables made from the code they describe."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mainstay.app import build_registry
from mainstay.kernel import options
from mainstay.settings import describe


def on_config(config: Any) -> Any:
    """Put every page of a folder where the navigation says ``folder/*``."""
    root = Path(config["docs_dir"])
    for entry in config["nav"]:
        for title, target in entry.items():
            if isinstance(target, str) and target.endswith("/*"):
                entry[title] = _pages(root, target.removesuffix("/*"))
    return config


def _pages(root: Path, folder: str) -> list[dict[str, str] | str]:
    found = sorted((root / folder).glob("*.md"), key=lambda page: page.name)
    pages: list[dict[str, str] | str] = [f"{folder}/{page.name}" for page in found if page.name == "index.md"]
    return pages + [{_title(page): f"{folder}/{page.name}"} for page in found if page.name != "index.md"]


def _title(page: Path) -> str:
    heading = re.search(r"^# (.+)$", page.read_text(), re.MULTILINE)
    return heading.group(1) if heading else page.stem


def settings_table() -> str:
    """Every environment variable, from ``mainstay.settings``."""
    rows = ["| Variable | Meaning |", "|---|---|"]
    for name, default, meaning in describe():
        shown = f"<br>Default: `{default.replace(',', ', ')}`" if default else ""
        rows.append(f"| `{name}` | {_cell(meaning)}{shown} |")
    return "\n".join(rows)


def options_table() -> str:
    """Every option that an organization sets for itself, by section."""
    build_registry()  # declares the modules' options
    sections: dict[str, list[str]] = {}
    for name, spec in options.declared().items():
        row = f"| `{name}` | {_cell(spec.label)} | {_cell(f'`{spec.default}`')} |"
        sections.setdefault(spec.section, []).append(row)
    parts = []
    for section, rows in sections.items():
        parts.append("\n".join([f"## {section}", "", "| Name | Meaning | Default |", "|---|---|---|", *rows]))
    return "\n\n".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


TABLES: dict[str, Callable[[], str]] = {"settings": settings_table, "options": options_table}


def on_page_markdown(markdown: str, **_more: Any) -> str:
    """Replace ``<!-- table: name -->`` by the table."""
    return re.sub(r"<!-- table: (\w+) -->", lambda found: TABLES[found.group(1)](), markdown)
