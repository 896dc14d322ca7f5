"""Counts the documented operations that passing tests prove, by module of the API.

    make conformance                            the table
    python tools/conformance.py --missing       also names what is not served or not proven
    python tools/conformance.py --write <json>  remake docs/reference/operations.txt from the interface facts

An operation is proven on a database when at least one test that names it passed there in its last run, and
none failed. It is proven when that holds on every database that was run.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from mainstay.app import build_registry

ROOT = Path(__file__).parents[1]
FACTS = ROOT.parent / "shared" / "reference" / "api-surface.json"
LISTED = ROOT / "docs" / "reference" / "operations.txt"
RUNS = ROOT / ".conformance"
BESIDE = ("GET /schema/",)
"""Documented, and served beside the declared operations (``kernel.http.site``)."""


def canonical(operation: str) -> str:
    """``METHOD /path/`` with anonymous parameters: how a path names them is not part of its identity."""
    method, _, path = operation.strip().partition(" ")
    return f"{method.upper()} {re.sub(r'{[^}]*}', '{}', path.strip()).rstrip('/')}/"


def documented() -> dict[str, str]:
    """Documented operation → its module, in the documentation's order."""
    if FACTS.exists():
        modules = json.loads(FACTS.read_text())["modules"]
        return {f"{o['method']} {o['path']}": name for name, operations in modules.items() for o in operations}
    found = {}
    for line in LISTED.read_text().splitlines():
        if line and not line.startswith("#"):
            method, path, module = line.split(" ", 2)
            found[f"{method} {path}"] = module
    return found


def served() -> set[str]:
    """What this version answers."""
    return {canonical(item.key) for item in build_registry().operations} | {canonical(item) for item in BESIDE}


def still_there(test: str) -> bool:
    """Whether a recorded test exists; renamed and removed ones no longer count."""
    file, *names = test.split("[")[0].split("::")
    return bool(names) and f"def {names[-1]}(" in text_of(ROOT / file)


@cache
def text_of(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


def proven(run: Path, named: dict[str, str]) -> set[str]:
    """What a run's tests prove; ``named`` takes in every operation they name, with one test that does."""
    passed: set[str] = set()
    failed: set[str] = set()
    for test, outcome in json.loads(run.read_text()).items():
        if still_there(test):
            names = {canonical(name): test for name in outcome["operations"]}
            (passed if outcome["passed"] else failed).update(names)
            named.update(names)
    return passed - failed


def write(source: Path) -> None:
    """Remake the packaged list."""
    modules = json.loads(source.read_text())["modules"]
    lines = [f"{o['method']} {o['path']} {name}" for name, operations in modules.items() for o in operations]
    LISTED.parent.mkdir(parents=True, exist_ok=True)
    LISTED.write_text(
        "# Documented operations: method, path, module. Made by tools/conformance.py.\n" + "\n".join(lines) + "\n"
    )


def table(operations: dict[str, str], known: set[str], runs: dict[str, set[str]]) -> Iterable[str]:
    """The printed table: per module with anything served, then the total."""
    everywhere = set.intersection(*runs.values()) if runs else set()
    names = list(runs)
    yield (
        f"{'module':<34}{'documented':>11}{'served':>8}" + "".join(f"{name:>12}" for name in names) + f"{'proven':>8}"
    )
    modules = list(dict.fromkeys(operations.values()))
    untouched = 0
    for module in modules:
        mine = {canonical(key) for key, of in operations.items() if of == module}
        if not mine & known:
            untouched += 1
            continue
        counts = [len(mine & runs[name]) for name in names]
        yield (f"{module:<34}{len(mine):>11}{len(mine & known):>8}" + "".join(f"{n:>12}" for n in counts)
               + f"{len(mine & everywhere):>8}")  # fmt: skip
    every = {canonical(key) for key in operations}
    if untouched:
        yield f"({untouched} modules of which nothing is served yet)"
    total = f"{len(operations):,}"
    yield f"served {len(every & known):,} of {total}, proven {len(every & everywhere):,} of {total}"


def missing(operations: dict[str, str], known: set[str], runs: dict[str, set[str]]) -> Iterable[str]:
    """Of the modules that are begun: the operations that are not served, or served and not proven."""
    begun = {module for key, module in operations.items() if canonical(key) in known}
    for key, module in operations.items():
        name = canonical(key)
        if module not in begun:
            continue
        lacking = [run for run, found in runs.items() if name not in found]
        if name not in known:
            yield f"not served: {key} ({module})"
        elif lacking:
            yield f"not proven on {', '.join(lacking)}: {key} ({module})"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--write", type=Path, metavar="JSON", help="remake the packaged list from this document")
    parser.add_argument("--missing", action="store_true", help="name what is not served or not proven")
    wanted = parser.parse_args()
    if wanted.write:
        write(wanted.write)
        return 0
    operations, known = documented(), served()
    runs: dict[str, set[str]] = {}
    named: dict[str, str] = {}
    for path in sorted(RUNS.glob("*.json")):
        runs[path.stem] = proven(path, named)
    if not runs:
        print("No recorded test run: `make test` first.", file=sys.stderr)
        return 1
    print("\n".join(table(operations, known, runs)))
    if wanted.missing:
        print("\n".join(missing(operations, known, runs)))
    every = {canonical(key) for key in operations}
    wrong = dict.fromkeys(named.keys() - every, "documented")
    wrong |= dict.fromkeys((named.keys() & every) - known, "served")
    for item, what in sorted(wrong.items()):
        print(f"{named[item]} proves {item}, which is not {what}.", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
