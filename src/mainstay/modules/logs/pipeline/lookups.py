"""Lookup tables from CSV, and geo databases from files of the operator."""

from __future__ import annotations

import csv
import io
from collections import OrderedDict
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import maxminddb
import polars as pl

from mainstay.modules.logs.grok.linear import field_name

MAX_ROWS = 50_000
MAX_COLUMNS = 20
REMEMBERED = 50_000
"""Addresses whose place is kept in memory."""


class TableError(ValueError):
    """A lookup table that cannot be read; the text says where."""


def read_table(content: str) -> dict[str, pl.Series]:
    """The columns of a lookup table, all text. Raises ``TableError``."""
    reader = csv.reader(io.StringIO(content), strict=True)
    rows: list[list[str]] = []
    try:
        header = next(reader, [])
        for row in reader:
            if not any(row):
                continue
            if len(row) != len(header):
                raise TableError(f"Line {reader.line_num} has {len(row)} values; the header has {len(header)}.")
            rows.append(row)
            if len(rows) > MAX_ROWS:
                raise TableError(f"A lookup table has at most {MAX_ROWS:,} rows.")
    except csv.Error as error:
        raise TableError(f"Line {reader.line_num} is not CSV: {error}.") from None
    if not 2 <= len(header) <= MAX_COLUMNS:
        raise TableError(f"A lookup table has a header with 2 to {MAX_COLUMNS} columns: the key, then what is found.")
    try:
        names = [field_name(name.strip()) for name in header]
    except ValueError as error:
        raise TableError(str(error)) from None
    if len(set(names)) != len(names):
        raise TableError("Two columns have the same name.")
    return {name: pl.Series([row[at] for row in rows], dtype=pl.String) for at, name in enumerate(names)}


class Places:
    """What geo databases (MaxMind DB files) know of an address. ``ValueError`` for a file that is none."""

    def __init__(self, paths: list[Path]) -> None:
        self._databases = []
        for path in paths:
            try:
                self._databases.append(maxminddb.open_database(path))
            except (OSError, maxminddb.InvalidDatabaseError) as error:
                raise ValueError(f"The geo database {path} cannot be read: {error}") from None
        self._known: OrderedDict[str, dict[str, str]] = OrderedDict()

    def __call__(self, text: str) -> Mapping[str, str]:
        if text in self._known:
            return self._known[text]
        found: dict[str, str] = {}
        try:
            address = ip_address(text)
        except ValueError:
            return found
        for database in self._databases:
            try:
                found |= _place(database.get(address))
            except (ValueError, maxminddb.InvalidDatabaseError):
                continue  # an IPv6 address in a database of IPv4 only
        self._known[text] = found
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return found


def _place(record: Any) -> dict[str, str]:
    """The usual names of what databases of cities, countries and networks hold."""
    if not isinstance(record, dict):
        return {}
    out: dict[str, Any] = {}
    country = record.get("country") or record.get("registered_country") or {}
    if isinstance(country, dict):
        out["country_code"], out["country"] = country.get("iso_code"), _english(country)
    elif isinstance(country, str):
        out["country_code"] = country
    for key, name in (("continent", "continent"), ("city", "city")):
        out[name] = _english(record.get(key))
    regions = record.get("subdivisions")
    if isinstance(regions, list) and regions:
        out["region"] = _english(regions[0])
    location = record.get("location")
    if isinstance(location, dict):
        out |= {name: location.get(name) for name in ("latitude", "longitude", "time_zone")}
    out["asn"] = record.get("autonomous_system_number") or record.get("asn")
    out["organization"] = record.get("autonomous_system_organization") or record.get("as_name")
    return {name: str(value) for name, value in out.items() if value not in (None, "")}


def _english(part: Any) -> Any:
    if isinstance(part, dict):
        names = part.get("names")
        return names.get("en") if isinstance(names, dict) else part.get("name")
    return part if isinstance(part, str) else None
