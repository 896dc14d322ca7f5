"""CSV and XLSX files as people and attackers make them."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import openpyxl
import pytest

from mainstay.kernel.transfer import (
    Column,
    CsvWriter,
    TransferError,
    XlsxWriter,
    guess_mapping,
    inspect,
    neutralise,
    open_table,
    restore,
)


def file_of(folder: Path, content: bytes | str, name: str = "file.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def cells_of(path: Path) -> list[list[str]]:
    return [row.cells for row in open_table(path).rows()]


@pytest.mark.parametrize(
    ("encoding", "found"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("utf-16", "utf-16"), ("cp1252", "cp1252")],
)
def test_encodings_are_recognised(tmp_path: Path, encoding: str, found: str) -> None:
    table = open_table(file_of(tmp_path, "name,city\r\nJürgen,Köln €\r\n".encode(encoding)))
    assert table.encoding == found
    assert [row.cells for row in table.rows()] == [["Jürgen", "Köln €"]]
    assert bool(table.problems) == (found == "cp1252"), "only a guess is reported"


def test_big_endian_utf_16_is_recognised(tmp_path: Path) -> None:
    content = b"\xfe\xff" + "name\tcity\nMüller\tŁódź\n".encode("utf-16-be")
    assert cells_of(file_of(tmp_path, content)) == [["Müller", "Łódź"]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"  \r\n", "empty"),
        (b"a,b\r\n1,\x00\r\n", "NUL"),
        ("a,b".encode("utf-16-le"), "NUL"),
        ("a,b".encode("utf-32"), "UTF-32"),
        ("a\x00,b".encode("utf-16"), "NUL"),
        (b"\xff\xfea", "UTF-16"),
        (b"a,b\n\x81,\x01\n", "not text in UTF-8"),
        (b"\xef\xbb\xbfa,b\n\xff,1\n", "not text in UTF-8"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"\x89PNG\r\n\x1a\n....", "image"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1....", "old Excel"),
        (b"\x1f\x8b\x08....", "compressed"),
        (b"PK\x03\x04 no zip", "damaged"),
        (b",,\r\n,,\r\n", "empty"),
        (b'"a,b\n1,2\n', "never closed"),
    ],
)
def test_what_is_no_table_is_refused_with_a_reason(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(TransferError, match=message):
        open_table(file_of(tmp_path, content))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_recognised(tmp_path: Path, delimiter: str) -> None:
    rows = [["name", "remark, long; with | all\tof them"], ["x", "1,5"], ["y", '"quoted"']]
    lines = [delimiter.join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row) for row in rows]
    table = open_table(file_of(tmp_path, "\r\n".join(lines)))
    assert table.delimiter == delimiter
    assert [row.cells for row in table.rows()] == rows[1:]


def test_the_delimiter_of_plain_cells_with_commas_is_the_even_one(tmp_path: Path) -> None:
    assert cells_of(file_of(tmp_path, "name;price;remark\nA;1,5;a, b, c\nB;2,5;\n")) == [
        ["A", "1,5", "a, b, c"],
        ["B", "2,5", ""],
    ]
    assert cells_of(file_of(tmp_path, "sep=;\r\nname;price\r\nA;1\r\n")) == [["A", "1"]]
    assert cells_of(file_of(tmp_path, "name\rA\rB\r")) == [["A"], ["B"]]


def test_bad_rows_are_reported_by_number_and_the_others_are_read(tmp_path: Path) -> None:
    content = 'a,b\n1,2\n\n3\n4,5,6\n7,8,,\n,,\n"9"x,10\n"11\nmore",12\n13,"x' + "y" * (1 << 20) + "\n"
    rows = list(open_table(file_of(tmp_path, content)).rows())
    good = {row.number: row.cells for row in rows if row.error is None}
    assert good == {2: ["1", "2"], 6: ["7", "8"], 9: ["11\nmore", "12"]}
    errors = {row.number: row.error or "" for row in rows if row.error is not None}
    assert list(errors) == [4, 5, 8, 10]
    assert errors[4] == "The row has 1 cells, but the header has 2."
    assert errors[5] == "The row has 3 cells, but the header has 2."
    assert "closing quote" in errors[8]
    assert "longer than" in errors[10]
    seen = inspect(tmp_path / "file.csv")
    assert (seen.rows, [error.row for error in seen.errors]) == (7, [4, 5, 8, 10])
    assert seen.sample == list(good.values())


def test_doubled_and_missing_column_names_are_made_unique_and_reported(tmp_path: Path) -> None:
    table = open_table(file_of(tmp_path, "Name,,Name, ,City,,\nA,B,C,D,E,,\n"))
    assert table.headers == ["Name", "Column 2", "Name (2)", "Column 4", "City"]
    assert table.problems == [
        "Column 2 has no name.",
        "The column name 'Name' appears in columns 1 and 3.",
        "Column 4 has no name.",
    ]
    assert [row.cells for row in table.rows()] == [["A", "B", "C", "D", "E"]]
    with pytest.raises(TransferError, match="at most 1000"):
        open_table(file_of(tmp_path, ",".join(f"c{number}" for number in range(1001))))


def test_headers_find_their_fields_however_spelled() -> None:
    columns = [
        Column("dept_name", "Department", ["abteilung"]),
        Column("email", "E-mail address"),
        Column("phone", "Phone"),
        Column("mobile", "Phone"),
    ]
    headers = ["DEPT NAME*", "e-Mail Address", "Phone", "phone (2)", "Abteilung", "!!"]
    assert guess_mapping(headers, columns) == {
        "DEPT NAME*": "dept_name",
        "e-Mail Address": "email",
        "Phone": "phone",
    }
    assert guess_mapping(["ABTEILUNG", "nothing"], columns) == {"ABTEILUNG": "dept_name"}
    assert guess_mapping(["Department", "dept-name"], columns) == {"dept-name": "dept_name"}


@pytest.mark.parametrize("cell", ["-5", "+3.14", "-1,000.50", "-1e-5", "+4917123456", "+49 171 123456", "a=b", "", "'"])
def test_harmless_cells_are_left_alone(cell: str) -> None:
    assert neutralise(cell) == cell
    assert restore(cell) == cell


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "+1+cmd|' /C calc'!A0",
        "-2+3",
        "@SUM(1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "\uff1d1",
        "+49-17",
        "=",
        "-",
        "+1 ",
    ],
)
def test_formulas_are_disarmed_and_come_back(cell: str) -> None:
    assert neutralise(cell) == f"'{cell}"
    assert restore(f"'{cell}") == cell
    assert neutralise(f"'{cell}") == f"''{cell}", "a cell that already has the apostrophe keeps it"


def test_values_of_every_kind_are_written(tmp_path: Path) -> None:
    moment = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    row = [None, True, -5, 2.5, 3.0, 10**20, float("inf"), date(2026, 1, 2), moment, ["a", "b"], "\ud800"]
    text = [
        "",
        "true",
        "-5",
        "2.5",
        "3",
        str(10**20),
        "inf",
        "2026-01-02",
        "2026-01-02T03:04:00+00:00",
        "a, b",
        "\ufffd",
    ]
    headers = [f"h{number}" for number in range(len(row))]
    with (tmp_path / "a.csv").open("wb") as file, CsvWriter(file, headers) as csv_out:
        csv_out.write(row)
    assert cells_of(tmp_path / "a.csv") == [text]
    with XlsxWriter(tmp_path / "a.xlsx", headers) as xlsx_out:
        xlsx_out.write(row)
    assert cells_of(tmp_path / "a.xlsx") == [text]


def test_a_workbook_is_text_to_a_spreadsheet(tmp_path: Path) -> None:
    cells = ["=HYPERLINK(1)", "#N/A", "-5", "a\x01b", "x" * 40_000]
    with XlsxWriter(tmp_path / "a.xlsx", ["a", "b", "c", "d", "e"], title="Re: [all] / of it") as out:
        out.write(cells)
    assert out.cut == 1
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx").worksheets[0]
    found = [next(sheet.iter_rows(min_row=2))[at] for at in range(5)]
    assert [cell.data_type for cell in found] == ["s"] * 5 or all(cell.data_type != "f" for cell in found)
    assert cells_of(tmp_path / "a.xlsx") == [["=HYPERLINK(1)", "#N/A", "-5", "a\ufffdb", "x" * 32_766 + "…"]]


def test_a_workbook_that_broke_off_is_not_left_behind(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), XlsxWriter(tmp_path / "a.xlsx", ["a"]) as out:
        out.write([1 / 0])
    assert not (tmp_path / "a.xlsx").exists()


def test_a_persons_workbook_is_read(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (
        [],
        [],
        ["Name", "Born", "Age", None],
        ["Ann", date(1990, 5, 1), 35.0],
        [],
        ["Bob", None, None, "odd"],
    ):
        sheet.append(row)
    book.save(tmp_path / "a.xlsx")
    table = open_table(tmp_path / "a.xlsx")
    assert (table.kind, table.headers) == ("xlsx", ["Name", "Born", "Age"])
    rows = list(table.rows())
    assert (rows[0].number, rows[0].cells) == (2, ["Ann", "1990-05-01T00:00:00", "35"])
    assert rows[1].number == 4
    assert "4 cells" in (rows[1].error or "")


def workbook(folder: Path, **parts: bytes) -> Path:
    with XlsxWriter(folder / "good.xlsx", ["a"]) as out:
        out.write(["1"])
    path = folder / "bad.xlsx"
    with (
        zipfile.ZipFile(folder / "good.xlsx") as good,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bad,
    ):
        for name in good.namelist():
            key = name.rsplit("/")[-1].removesuffix(".xml")
            bad.writestr(name, parts.get(key, good.read(name)))
    return path


def test_hostile_workbooks_are_refused(tmp_path: Path) -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet>&a;</worksheet>'
    with pytest.raises(TransferError, match="XML that Excel does not write"):
        open_table(workbook(tmp_path, sheet1=bomb))
    with pytest.raises(TransferError, match="suspiciously"):
        open_table(workbook(tmp_path, sheet1=b" " * (1 << 27)))
    with pytest.raises(TransferError, match="damaged"):
        open_table(workbook(tmp_path, sheet1=b"<worksheet><sheetData><row"))
    with pytest.raises(TransferError, match="no sheet"):
        open_table(workbook(tmp_path, workbook=b"<nothing/>"))
    main = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    wide = b"<worksheet " + main + b'><dimension ref="A1:XFD1048576"/>'
    far = wide + b'<sheetData><row r="1"><c r="XFD1" t="str"><v>x</v></c></row></sheetData></worksheet>'
    with pytest.raises(TransferError, match="more than 1000 columns"):
        open_table(workbook(tmp_path, sheet1=far))
    near = wide + b'<sheetData><row r="1"><c r="A1" t="str"><v>x</v></c></row></sheetData></worksheet>'
    assert open_table(workbook(tmp_path, sheet1=near)).headers == ["x"]
    plain = io.BytesIO()
    with zipfile.ZipFile(plain, "w") as archive:
        archive.writestr("readme.txt", "x")
    with pytest.raises(TransferError, match="no Excel workbook"):
        open_table(file_of(tmp_path, plain.getvalue(), "a.zip"))


MEASURE = """
import sys, resource
from pathlib import Path
from mainstay.kernel.transfer import open_table
table = open_table(Path(sys.argv[1]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
count = sum(len(batch) for batch in table.batches(1000))
print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_large_file_is_read_in_little_memory(tmp_path: Path, kind: str) -> None:
    path, count = tmp_path / f"large.{kind}", 200_000 if kind == "csv" else 20_000
    cells = ["some text that is a little longer", "-5", "=1+1", "x@example.test", "line\nbreak"] * 2
    headers = [f"column {number}" for number in range(10)]
    with (
        path.open("wb") as file,
        CsvWriter(file, headers) if kind == "csv" else XlsxWriter(path, headers) as out,
    ):
        for _ in range(count):
            out.write(cells)
    done = subprocess.run([sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True)
    rows, kilobytes = map(int, done.stdout.split())
    assert rows == count
    assert kilobytes < 20_000
