"""What holds for every table and every file, found by generated cases."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mainstay.kernel.transfer import (
    CsvWriter,
    TransferError,
    XlsxWriter,
    inspect,
    neutralise,
    open_table,
    restore,
)

NASTY = st.text(st.sampled_from("=+-@\t\r\n',;|\"0123 .aé\ufeff_x＝"), max_size=12)  # noqa: RUF001
ANY = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=30)
CELLS = NASTY | ANY


@st.composite
def tables(draw: st.DrawFn, cells: st.SearchStrategy[str] = CELLS) -> tuple[list[str], list[list[str]]]:
    width = draw(st.integers(1, 6))
    names = st.text(st.sampled_from("abc;,|\t\"'=+ é"), min_size=1, max_size=8).map(str.strip).filter(bool)
    headers = draw(st.lists(names, min_size=width, max_size=width, unique=True))
    rows = draw(st.lists(st.lists(cells, min_size=width, max_size=width).filter(any), max_size=12))
    return headers, rows


@given(CELLS)
@example("''=1")
def test_a_disarmed_cell_comes_back_and_starts_no_formula(cell: str) -> None:
    safe = neutralise(cell)
    assert restore(safe) == cell
    assert safe == cell or safe == f"'{cell}"


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables())
def test_a_csv_round_trip_is_lossless(table: tuple[list[str], list[list[str]]]) -> None:
    headers, rows = table
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        with path.open("wb") as file, CsvWriter(file, headers) as out:
            for row in rows:
                out.write(row)
        found = open_table(path)
        assert found.headers == headers
        assert [(row.cells, row.error) for row in found.rows()] == [(row, None) for row in rows]


XML = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff") | st.sampled_from("\t\n"),
    max_size=30,
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables(XML | NASTY.map(lambda text: text.replace("\r", ""))))
@example((["a"], [["_x0041_"]]))
@example((["a"], [["_x005F_x0041_"]]))
def test_an_xlsx_round_trip_is_lossless(table: tuple[list[str], list[list[str]]]) -> None:
    headers, rows = table
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.xlsx"
        with XlsxWriter(path, headers) as out:
            for row in rows:
                out.write(row)
        found = open_table(path)
        assert found.headers == headers
        assert [(row.cells, row.error) for row in found.rows()] == [(row, None) for row in rows]


def survives(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        path.write_bytes(content)
        refusal = ""
        try:
            seen = inspect(path)
        except TransferError as error:
            refusal = error.message
        if refusal:
            assert refusal.endswith((".", "?"))
        else:
            assert len(set(seen.headers)) == len(seen.headers)
            assert all(len(row) == len(seen.headers) for row in seen.sample)


@settings(max_examples=400, deadline=None)
@given(
    st.binary(max_size=300)
    | st.lists(st.sampled_from([b",", b'"', b"\n", b"\r", b"\x00", b"\xff", b"a", b"sep="])).map(b"".join)
)
def test_any_bytes_are_read_or_refused_in_words(content: bytes) -> None:
    survives(content)


def _workbook() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.xlsx"
        with XlsxWriter(path, ["a", "b"]) as out:
            out.write(["1", "=2"])
        return path.read_bytes()


WORKBOOK = _workbook()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(4, len(WORKBOOK) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_a_damaged_workbook_is_read_or_refused_in_words(damage: list[tuple[int, int]]) -> None:
    content = io.BytesIO(WORKBOOK)
    for at, byte in damage:
        content.seek(at)
        content.write(bytes([byte]))
    survives(content.getvalue())
