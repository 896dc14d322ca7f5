"""Stages that add what is known elsewhere: lookup tables, the place of an address, configuration items."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from mainstay.modules.logs.grok.linear import field_name
from mainstay.modules.logs.pipeline import definitions as d
from mainstay.modules.logs.pipeline.batch import Batch, is_column
from mainstay.modules.logs.pipeline.stages.base import Run, Stage
from mainstay.modules.logs.pipeline.stages.change import target
from mainstay.modules.logs.pipeline.stages.extract import _tag

MAX_ENTRIES = 10_000

Table = Mapping[str, pl.Series]
"""Columns of a lookup table; the first is its key."""
Locate = Callable[[str], Mapping[str, str]]
"""What is known of an address: name → value."""


class EnrichTable(Stage):
    kind = "enrich_table"

    def __init__(self, path: str, spec: d.EnrichTable, table: Table | None) -> None:
        super().__init__(path, spec.name, spec.when)
        self.field = field_name(spec.field)
        if bool(spec.table) == bool(spec.entries):
            raise d.DefinitionError("Give either table (a lookup table's name) or entries.")
        if len(spec.entries) > MAX_ENTRIES:
            raise d.DefinitionError(f"At most {MAX_ENTRIES:,} entries are kept in a stage. Make a lookup table.")
        if table is None:
            table = {"key": pl.Series(list(spec.entries)), "": pl.Series(list(spec.entries.values()))}
        names = list(table)
        self.default, self.ignore_case = spec.default, spec.ignore_case
        keys = table[names[0]].str.to_lowercase() if spec.ignore_case else table[names[0]]
        first = keys.is_first_distinct()
        self.keys = keys.filter(first)
        into = field_name(spec.target) if spec.target else ""
        self.values: list[tuple[str, pl.Series]] = []
        for name in names[1:]:
            own = f"{into}.{name}" if into and name else into or name
            if not own:
                raise d.DefinitionError("Please provide target, the field that the value goes to.")
            # A single column goes to the target itself.
            self.writes += 1
            self.values.append((target(into if into and len(names) == 2 else own), table[name].filter(first)))

    def apply(self, batch: Batch, run: Run, pipeline: str) -> tuple[Batch, pl.Series | None]:
        key = batch.text(self.field)
        if self.ignore_case:
            key = key.str.to_lowercase()
        known = key.is_in(self.keys.implode()).fill_null(False)
        for name, values in self.values:
            batch.put(name, key.replace_strict(self.keys, values, default=self.default, return_dtype=pl.String))
        if self.default is not None:
            return batch, None
        return batch, _tag(batch, ~known, "_lookupfailure")


class _ByAddress(Stage):
    """Looks every address of a batch up once."""

    tag = ""

    def __init__(self, path: str, spec: d.EnrichGeo | d.EnrichCmdb) -> None:
        super().__init__(path, spec.name, spec.when)
        self.field = field_name(spec.field)
        self.prefix = field_name(spec.prefix)

    @abstractmethod
    def known(self, addresses: list[str], run: Run) -> dict[str, dict[str, str]]:
        """Address → field → value."""

    def apply(self, batch: Batch, run: Run, pipeline: str) -> tuple[Batch, pl.Series | None]:
        text = batch.text(self.field)
        found = self.known(text.unique().drop_nulls().to_list(), run)
        names = sorted({name for values in found.values() for name in values})
        for name in names:
            keys = [address for address, values in found.items() if name in values]
            values = [found[address][name] for address in keys]
            own = name if is_column(name) else f"fields.{self.prefix}.{name}"
            batch.put(own, text.replace_strict(keys, values, default=None, return_dtype=pl.String))
        known = text.is_in(pl.Series(list(found), dtype=pl.String).implode()).fill_null(False)
        return batch, _tag(batch, ~known, self.tag)


class EnrichGeo(_ByAddress):
    kind = "enrich_geo"
    tag = "_geofailure"

    def __init__(self, path: str, spec: d.EnrichGeo, locate: Locate | None) -> None:
        super().__init__(path, spec)
        if locate is None:
            raise d.DefinitionError(
                "There is no geo database. The operator of the installation gives its file (.mmdb) as "
                "MAINSTAY_GEO_DATABASE."
            )
        self.locate = locate

    def known(self, addresses: list[str], run: Run) -> dict[str, dict[str, str]]:
        return {address: dict(values) for address in addresses if (values := self.locate(address))}


class EnrichCmdb(_ByAddress):
    kind = "enrich_cmdb"
    tag = "_cmdbfailure"

    def known(self, addresses: list[str], run: Run) -> dict[str, dict[str, str]]:
        found: Any = run.cmdb(addresses) if run.cmdb else {}
        return {address: {"ci": ref[0], "name": ref[1]} for address, ref in found.items()}
