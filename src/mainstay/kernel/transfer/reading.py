"""Tables read from files as streams of rows."""

from __future__ import annotations

import csv
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

from mainstay.kernel.late import openpyxl
from mainstay.kernel.transfer.engine import (
    MAX_CELL,
    MAX_COLUMNS,
    SEPARATOR_HINT,
    Kind,
    TransferError,
    cell_text,
    delimiter_of,
    encoding_of,
    kind_of,
    ragged,
    restore,
    tidy_headers,
)

CHUNK = 1 << 20
SAMPLE = 1 << 16
MAX_UNPACKED = 1 << 30
"""Bytes an XLSX file may hold unpacked."""
MAX_SHARED = 1 << 27
"""Bytes of the part of an XLSX file that must be held in memory (its table of texts), unpacked."""
MAX_RATIO = 200
MAX_PARTS = 2_000


class Row(NamedTuple):
    """A row of data. ``number`` is what a spreadsheet shows beside it (the header is 1)."""

    number: int
    cells: list[str]
    """As many as there are headers; fewer where ``error`` says why."""
    error: str | None = None


@dataclass(slots=True)
class Table:
    """An open file: what it is and what its columns are called. Rows are read anew by each ``rows()``."""

    path: Path
    kind: Kind
    headers: list[str]
    """Unique and not empty."""
    problems: list[str] = field(default_factory=list)
    """What the user should know: a guessed encoding, doubled or missing column names."""
    encoding: str = ""
    delimiter: str = ""

    def rows(self) -> Iterator[Row]:
        """The rows of data, in order; empty ones are left out, unreadable ones carry their error.

        Raises ``TransferError`` where the file cannot be read on.
        """
        records = _csv_records(self.path, self.encoding, self.delimiter) if self.kind == "csv" else None
        width = len(self.headers)
        for number, cells, error in records or _xlsx_records(self.path):
            if (number == 1 and self.kind == "xlsx") or not (error or any(cells)):
                continue
            if error is None and len(cells) <= width and self.kind == "xlsx":
                # A spreadsheet does not store the empty cells at the end of a row.
                cells = cells + [""] * (width - len(cells))
            if error is None and len(cells) != width:
                error = ragged(cells, width)
                cells = cells[: width if error is None else None]
            if "'" in "".join(cells):
                cells = [restore(cell) for cell in cells]
            yield Row(number, cells, error)

    def batches(self, size: int) -> Iterator[list[Row]]:
        """The rows in lists of ``size``, the last one shorter."""
        rows = self.rows()
        while batch := list(islice(rows, size)):
            yield batch


@dataclass(frozen=True, slots=True)
class Inspection:
    """A look through the whole file."""

    headers: list[str]
    sample: list[list[str]]
    rows: int
    """Rows of data, unreadable ones included."""
    errors: list[TransferError]
    """The first hundred unreadable rows."""
    problems: list[str]
    kind: Kind
    encoding: str
    delimiter: str


def open_table(path: Path) -> Table:
    """Look at a CSV or XLSX file. Reads a CSV file once to be sure of its encoding, and keeps nothing.

    Raises ``TransferError`` for anything that is no table: empty, binary, damaged, a zip bomb.
    """
    with path.open("rb") as file:
        head = file.read(16)
        if not head.strip():
            raise TransferError("The file is empty.")
        kind = kind_of(head)
        if kind == "csv":
            file.seek(0)
            encoding, problems = encoding_of(iter(lambda: file.read(CHUNK), b""))
    if kind == "xlsx":
        _check_archive(path)
        for _, cells, _ in _xlsx_records(path):
            headers, problems = tidy_headers(cells)
            return Table(path, "xlsx", headers, problems)
        raise TransferError("The first sheet of the file is empty.")
    with path.open(encoding=encoding, newline="") as text:
        sample = text.read(SAMPLE)
        complete = not text.read(1)
    delimiter = delimiter_of(sample, complete)
    for number, cells, error in _csv_records(path, encoding, delimiter, header=True):
        if error is not None:
            raise TransferError(f"The column names cannot be read: {error}", row=number)
        if any(cells):
            headers, odd = tidy_headers(cells)
            return Table(path, "csv", headers, problems + odd, encoding, delimiter)
    raise TransferError("The file is empty.")


def inspect(path: Path, sample: int = 5) -> Inspection:
    """Read the file through once: headers, the first ``sample`` rows, how many there are, which are bad."""
    table = open_table(path)
    first: list[list[str]] = []
    errors: list[TransferError] = []
    count = 0
    for row in table.rows():
        count += 1
        if row.error is not None:
            if len(errors) < 100:
                errors.append(TransferError(row.error, row=row.number))
        elif len(first) < sample:
            first.append(row.cells)
    return Inspection(table.headers, first, count, errors, table.problems, table.kind, table.encoding, table.delimiter)


Record = tuple[int, list[str], str | None]


def _csv_records(path: Path, encoding: str, delimiter: str, *, header: bool = False) -> Iterator[Record]:
    """Records with their numbers: the header alone, or all after it."""
    with path.open(encoding=encoding, newline="") as file:
        if not SEPARATOR_HINT.match(file.readline(8)):
            file.seek(0)
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        number, past_header = 0, False
        while True:
            number += 1
            try:
                cells, error = next(reader), None
            except StopIteration:
                return
            except csv.Error as problem:
                cells, error = [], _csv_message(problem)
            if not past_header:
                past_header = error is not None or any(cells)
                if not header:
                    continue
            yield number, cells, error


def _csv_message(error: csv.Error) -> str:
    text = str(error)
    if "field limit" in text:
        return f"A cell is longer than {MAX_CELL:,} characters. Is a closing quote missing?"
    if "unexpected end" in text:
        return 'A cell that starts with a quote (") is never closed.'
    if "expected after" in text:
        return 'Text follows a closing quote ("). Write a quote inside a cell twice.'
    return f"The row cannot be read: {text}."


def _check_archive(path: Path) -> None:
    """Refuse what would fill memory or disk when unpacked, before anything is."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            names = {part.filename for part in parts}
            unpacked = sum(part.file_size for part in parts)
            packed = max(1, path.stat().st_size)
            if "[Content_Types].xml" not in names or "xl/workbook.xml" not in names:
                raise TransferError("The file is a ZIP archive but no Excel workbook (.xlsx).")
            if len(parts) > MAX_PARTS or unpacked > MAX_UNPACKED:
                raise TransferError("The workbook is too large unpacked. Save the table as CSV.")
            if unpacked > 1 << 26 and unpacked / packed > MAX_RATIO:
                raise TransferError("The workbook is packed suspiciously tight. Save the table as CSV.")
            for part in parts:
                if part.flag_bits & 1:
                    raise TransferError("The workbook is protected by a password. Save it without.")
                with archive.open(part) as content:
                    # Excel writes no document type; one is only there to define entities that multiply.
                    if b"<!DOCTYPE" in content.read(4096).upper().replace(b"\x00", b""):
                        raise TransferError("The workbook contains XML that Excel does not write.")
            shared = _shared_strings(archive.read("[Content_Types].xml"))
            if any(part.file_size > MAX_SHARED for part in parts if f"/{part.filename}" in shared):
                raise TransferError("The workbook holds too much text. Save the table as CSV.")
    except TransferError:
        raise
    except _DAMAGED as error:
        raise TransferError("The workbook is damaged. Save it again, or as CSV.") from error


def _shared_strings(content_types: bytes) -> set[str]:
    """The parts that are tables of texts, whatever they are called."""
    root = ElementTree.fromstring(content_types)  # noqa: S314 - small, and free of entities, as checked above
    return {item.get("PartName", "") for item in root if "sharedstrings" in (item.get("ContentType") or "").lower()}


def _xlsx_records(path: Path) -> Iterator[Record]:
    """Records of the first sheet, from its first row that is not empty, which gets the number 1."""
    # Opened here: given a path, the library goes by the ending of its name, and stored files have none.
    file = path.open("rb")
    try:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
    except _DAMAGED as error:
        file.close()
        raise TransferError("The workbook is damaged. Save it again, or as CSV.") from error
    try:
        sheets = book.worksheets
        if not sheets:
            raise TransferError("The workbook has no sheet with cells.")
        # The stated size of a sheet is not to be trusted: it may claim every column there is.
        sheets[0].reset_dimensions()
        skipped: int | None = None
        for at, values in enumerate(sheets[0].iter_rows(values_only=True)):
            cells = _xlsx_cells(values)
            if skipped is None:
                if not any(cells):
                    continue
                skipped = at
            if len(cells) > MAX_COLUMNS:
                raise TransferError(f"The sheet has more than {MAX_COLUMNS} columns.", row=at + 1)
            yield at - skipped + 1, cells, None
    except TransferError:
        raise
    except _DAMAGED as error:
        raise TransferError("The workbook is damaged. Save it again, or as CSV.") from error
    finally:
        book.close()
        file.close()


_DAMAGED = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    ElementTree.ParseError,
    RuntimeError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


def _xlsx_cells(values: tuple[Any, ...]) -> list[str]:
    cells = [cell_text(value) for value in values]
    while cells and not cells[-1]:
        cells.pop()
    return cells
