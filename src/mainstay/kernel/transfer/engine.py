"""What a file is and what its cells mean: encodings, delimiters, headers, formulas. No I/O."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from itertools import islice
from typing import Any, Literal

DELIMITERS = ",;\t|"
MAX_CELL = 1 << 20
"""Characters of the longest cell that is read."""
MAX_COLUMNS = 1_000

SEPARATOR_HINT = re.compile(r"sep=([,;\t|])\r?\n")
"""A first line by which some programs say what delimiter follows."""

csv.field_size_limit(MAX_CELL)


class TransferError(ValueError):
    """A file that cannot be read or written, or one row of it. ``row`` counts from 1, the header included."""

    def __init__(self, message: str, row: int | None = None, column: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.row = row
        self.column = column


# --- what the bytes are
# -----------------------------------------------------------------------------------------

Kind = Literal["csv", "xlsx"]
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\xd0\xcf\x11\xe0", "The file is in the old Excel format (.xls). Save it as .xlsx or as CSV."),
    (b"%PDF", "The file is a PDF. Save the table as CSV or XLSX."),
    (b"\x89PNG", "The file is an image. Save the table as CSV or XLSX."),
    (b"\xff\xd8\xff", "The file is an image. Save the table as CSV or XLSX."),
    (b"\x1f\x8b", "The file is compressed. Unpack it first."),
    (codecs.BOM_UTF32_LE, "The file is in UTF-32. Save it as UTF-8."),
    (codecs.BOM_UTF32_BE, "The file is in UTF-32. Save it as UTF-8."),
)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def kind_of(head: bytes) -> Kind:
    """What a file starting with ``head`` (8 bytes, or all of it) is; ``TransferError`` for neither."""
    for magic, message in _MAGIC:
        if head.startswith(magic):
            raise TransferError(message)
    return "xlsx" if head.startswith(b"PK\x03\x04") else "csv"


def encoding_of(chunks: Iterable[bytes]) -> tuple[str, list[str]]:
    """The codec of a text file given as chunks, and notes for the user (a guess is said to be one).

    UTF-8, with or without a byte order mark, UTF-16 with one, else Windows-1252. Raises ``TransferError`` for
    binary content. Reads all chunks, keeps none.
    """
    first = True
    utf8, windows = codecs.getincrementaldecoder("utf-8")(), codecs.getincrementaldecoder("cp1252")()
    is_utf8 = is_windows = True
    wide: codecs.IncrementalDecoder | None = None
    name, bad_at, seen, control = "utf-8", 0, 0, False
    for chunk in chunks:
        if first:
            first = False
            if chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                wide = codecs.getincrementaldecoder("utf-16")()
            elif chunk.startswith(codecs.BOM_UTF8):
                name = "utf-8-sig"
        if wide is not None:
            _check_wide(wide, chunk)
            continue
        if b"\x00" in chunk:
            raise TransferError("The file contains NUL bytes: it is not a text file. Save it as CSV in UTF-8.")
        control = control or _CONTROL.search(chunk) is not None
        if is_utf8 and not _decodes(utf8, chunk):
            is_utf8, bad_at = False, seen
        is_windows = is_windows and _decodes(windows, chunk)
        seen += len(chunk)
    if wide is not None:
        _check_wide(wide, b"", final=True)
        return "utf-16", []
    if is_utf8 and _decodes(utf8, b"", final=True):
        return name, []
    if name == "utf-8-sig" or not is_windows or control:
        where = f" (near byte {bad_at})" if bad_at else ""
        raise TransferError(f"The file is not text in UTF-8{where}. Save it as CSV in UTF-8.")
    return "cp1252", ["The file is not in UTF-8; it was read as Windows-1252. Check letters such as ä, é and €."]


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, final: bool = False) -> bool:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True


def _check_wide(decoder: codecs.IncrementalDecoder, chunk: bytes, final: bool = False) -> None:
    try:
        text = decoder.decode(chunk, final)
    except UnicodeDecodeError:
        raise TransferError("The file starts as UTF-16 but is damaged. Save it as CSV in UTF-8.") from None
    if "\x00" in text:
        raise TransferError("The file contains NUL characters: it is not a text file.")


# --- what separates the cells
# -----------------------------------------------------------------------------------


def delimiter_of(sample: str, complete: bool) -> str:
    """The delimiter that splits ``sample``, the start of the file or ``complete``, most evenly."""
    if hint := SEPARATOR_HINT.match(sample):
        return hint[1]
    best, best_score = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        rows = _sample_rows(sample, delimiter, complete)
        if rows is None or not rows or len(rows[0]) < 2:
            continue
        even = sum(len(row) == len(rows[0]) for row in rows) / len(rows)
        if (even, len(rows[0])) > best_score:
            best, best_score = delimiter, (even, len(rows[0]))
    return best


def _sample_rows(sample: str, delimiter: str, complete: bool) -> list[list[str]] | None:
    lines = sample.splitlines(keepends=True)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    rows: list[list[str]] = []
    try:
        rows.extend(row for row in islice(reader, 50) if row)
    except csv.Error:
        # The end of a cut sample may lie inside a cell; anywhere else it is the wrong delimiter.
        if complete or reader.line_num < len(lines):
            return None
    if not complete and reader.line_num >= len(lines) and len(rows) > 1:
        rows.pop()
    return rows


# --- headers
# ----------------------------------------------------------------------------------------------------


def tidy_headers(cells: Sequence[str]) -> tuple[list[str], list[str]]:
    """Headers that are unique and not empty, and what was wrong with them. Empty ones at the end are left
    off.
    """
    names = [restore(cell).strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise TransferError("The first row of the file is empty. It must hold the column names.", row=1)
    if len(names) > MAX_COLUMNS:
        raise TransferError(f"The file has {len(names)} columns; at most {MAX_COLUMNS} can be read.", row=1)
    problems: list[str] = []
    first: dict[str, int] = {}
    for at, name in enumerate(names):
        if not name:
            names[at] = _free(f"Column {at + 1}", names)
            problems.append(f"Column {at + 1} has no name.")
        elif name in first:
            problems.append(f"The column name {name!r} appears in columns {first[name] + 1} and {at + 1}.")
            names[at] = _free(name, names)
        else:
            first[name] = at
    return names, problems


def _free(name: str, taken: Sequence[str]) -> str:
    number = 2 if name in taken else 1
    candidate = name
    while candidate in taken:
        candidate = f"{name} ({number})"
        number += 1
    return candidate


@dataclass(frozen=True, slots=True)
class Column:
    """A field as a header may spell it."""

    name: str
    label: str = ""
    aliases: Sequence[str] = field(default=())


def guess_mapping(headers: Sequence[str], columns: Sequence[Column]) -> dict[str, str]:
    """``{header: field name}`` for headers that name a field, its label or an alias, however spelled.

    Case, spaces, underscores and marks do not count. A field is given to one header: to the one that spells
    its name before one that spells its label or an alias.
    """
    mapping: dict[str, str] = {}
    by_name = [(column.name, column.name) for column in columns]
    by_label = [(column.label, column.name) for column in columns]
    by_alias = [(alias, column.name) for column in columns for alias in column.aliases]
    for spellings in (by_name, by_label, by_alias):
        known: dict[str, str] = {}
        for spelling, field_name in spellings:
            known.setdefault(_plain(spelling), field_name)
        for header in headers:
            name = known.get(_plain(header)) if _plain(header) else None
            if header not in mapping and name is not None and name not in mapping.values():
                mapping[header] = name
    return {header: mapping[header] for header in headers if header in mapping}


def _plain(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


# --- cells
# ------------------------------------------------------------------------------------------------------

_DANGEROUS = "=+-@\t\r\n＝＋－＠"  # noqa: RUF001 - spreadsheets also read the full-width signs as formulas
_HARMLESS = re.compile(r"[+-]\d+(?:[.,]\d+)*(?:[eE][+-]?\d+)?|\+\d[\d ]*\d", re.ASCII)


def is_formula(text: str) -> bool:
    """Whether a spreadsheet may run the cell. Signed numbers and phone numbers (+49 171 123) are none."""
    return text[:1] in _DANGEROUS and text != "" and _HARMLESS.fullmatch(text) is None


def neutralise(text: str) -> str:
    """The cell with an apostrophe before what a spreadsheet would run; ``restore`` takes it off again."""
    return f"'{text}" if is_formula(text.lstrip("'")) else text


def restore(text: str) -> str:
    """The cell as it was before ``neutralise``: ``restore(neutralise(x)) == x`` for every text."""
    return text[1:] if text[:1] == "'" and is_formula(text.lstrip("'")) else text


def cell_text(value: Any) -> str:
    """A value as a cell's text: nothing is empty, times are ISO 8601, lists are joined with ``, ``."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case datetime() | date() | time():
            return value.isoformat()
        case list() | tuple() | set() | frozenset():
            return ", ".join(cell_text(item) for item in value)
    return str(value)


def ragged(cells: Sequence[str], width: int) -> str | None:
    """What is wrong with the number of cells of a row, if anything. Empty cells too many are fine."""
    extra = any(cell for cell in cells[width:])
    if len(cells) < width or extra:
        return f"The row has {len(cells)} cells, but the header has {width}."
    return None
