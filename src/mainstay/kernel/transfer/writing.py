"""Tables written to files as streams of rows."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from mainstay.kernel.late import openpyxl
from mainstay.kernel.transfer.engine import TransferError, cell_text, is_formula, neutralise

_SURROGATE = re.compile("[\ud800-\udfff\x00]")
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_UNKNOWN = "\ufffd"


def csv_bytes(rows: Iterable[Sequence[Any]], *, start: bool = False) -> bytes:
    """Rows as CSV in UTF-8; with ``start``, after the mark by which spreadsheets recognise UTF-8.

    Text is quoted, so that no spreadsheet takes another delimiter for the one that is meant; formulas are
    neutralised; NUL and lone surrogates, which no text file can hold, become U+FFFD.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    for row in rows:
        writer.writerow([_csv_cell(value) for value in row])
    return text.getvalue().encode("utf-8-sig" if start else "utf-8")


class CsvWriter:
    """Writes a CSV file to a binary file object, row by row. The caller closes the file object."""

    def __init__(self, file: BinaryIO, headers: Sequence[str]) -> None:
        self._file = file
        self.rows = 0
        """Rows of data written."""
        file.write(csv_bytes([headers], start=True))

    def write(self, row: Sequence[Any]) -> None:
        """Write one row; values as ``cell_text`` takes them."""
        self._file.write(csv_bytes([row]))
        self.rows += 1

    def close(self) -> None:
        self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class XlsxWriter:
    """Writes a workbook with one sheet to ``path``, row by row through a temporary file; complete once
    closed.

    Text is stored as text, so nothing in it runs. Characters that XML cannot hold become U+FFFD, line ends
    become ``\\n``, and text longer than a cell of Excel (32,767) is cut and ends in an ellipsis.
    """

    MAX_ROWS = 1_048_576
    MAX_CELL = 32_767

    def __init__(self, path: Path, headers: Sequence[str], title: str = "Export") -> None:
        self._path = path
        self._book = openpyxl.Workbook(write_only=True)
        self._sheet: Any = self._book.create_sheet(re.sub(r"[\\/*?:\[\]]", " ", title)[:31] or "Export")
        self._sheet.freeze_panes = "A2"
        self.rows = 0
        """Rows of data written."""
        self.cut = 0
        """Cells that were too long."""
        self._sheet.append([self._cell(header) for header in headers])

    def write(self, row: Sequence[Any]) -> None:
        """Write one row. ``TransferError`` beyond the 1,048,575 rows of data a sheet can hold."""
        if self.rows + 2 > self.MAX_ROWS:
            raise TransferError(f"A sheet holds at most {self.MAX_ROWS - 1:,} rows. Export as CSV.")
        self._sheet.append([self._cell(value) for value in row])
        self.rows += 1

    def close(self) -> None:
        """Complete the file."""
        self._book.save(self._path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            # A workbook that broke off leaves nothing behind, its temporary file neither.
            self._sheet.close()
            self._sheet._writer.cleanup()

    def _cell(self, value: Any) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int) and abs(value) < 10**15:
            return value
        if isinstance(value, float) and math.isfinite(value):
            return value
        text = re.sub(r"\r\n?", "\n", _NOT_XML.sub(_UNKNOWN, cell_text(value)))
        # Only what reading would take for a neutralised formula needs its apostrophe doubled.
        if text[:1] == "'" and is_formula(text.lstrip("'")):
            text = f"'{text}"
        if len(text) > self.MAX_CELL:
            self.cut += 1
            text = text[: self.MAX_CELL - 1] + "…"
        if text[:1] not in ("=", "#"):
            return text
        # What the library would store as a formula or an error.
        cell: Any = openpyxl.cell.WriteOnlyCell(self._sheet, "")
        cell._value, cell.data_type = text, "s"
        return cell


def _csv_cell(value: Any) -> str | int | float:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return int(value) if value.is_integer() and abs(value) < 1e15 else value
    return neutralise(_SURROGATE.sub(_UNKNOWN, cell_text(value)))
