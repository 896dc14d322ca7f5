"""Files in and out: CSV and XLSX, read and written as streams of rows.

    table = open_table(path)                    # what it is, its headers, what is odd about it
    for batch in table.batches(1000): ...       # rows with their numbers, one pass, little memory

    with CsvWriter(file, headers) as out: ...   # or XlsxWriter(path, headers)

Cells are text. What a spreadsheet would run as a formula is disarmed on the way out and restored on the way
in.
"""

from mainstay.kernel.transfer.engine import (
    Column,
    TransferError,
    guess_mapping,
    neutralise,
    restore,
)
from mainstay.kernel.transfer.reading import Inspection, Row, Table, inspect, open_table
from mainstay.kernel.transfer.writing import CsvWriter, XlsxWriter, csv_bytes

__all__ = [
    "Column",
    "CsvWriter",
    "Inspection",
    "Row",
    "Table",
    "TransferError",
    "XlsxWriter",
    "csv_bytes",
    "guess_mapping",
    "inspect",
    "neutralise",
    "open_table",
    "restore",
]
