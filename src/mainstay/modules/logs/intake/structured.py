"""The structured data of RFC 5424: ``[id name="value" ...]...`` as fields ``id.name``."""

from __future__ import annotations

import polars as pl

_ELEMENTS = r'(?s)^(?<data>(?:\[[^\s=\]"]+(?: +[^\s=\]"]+="(?:[^"\\]|\\.)*")* *\])+)(?: (?<text>.*))?$'
_TOKENS = r'(?s)\[[^\s=\]"]+|[^\s=\]"\[]+="(?:[^"\\]|\\.)*"'
_PARAMETER = r'(?s)^(?<key>[^=]+)="(?<value>.*)"$'


def read_structured(got: pl.DataFrame, has_data: pl.Series) -> pl.DataFrame:
    """Rows with ``fields`` and ``message`` made from ``rest``. What is not well formed stays part of the message."""
    split = pl.when(pl.lit(has_data)).then(pl.col("rest")).str.extract_groups(_ELEMENTS)
    got = got.with_columns(split.alias("split")).unnest("split")
    got = got.with_columns(
        pl.when(pl.col("data").is_not_null()).then(pl.col("text").fill_null("")).otherwise("rest").alias("message")
    )
    tokens = (
        got.lazy().filter(pl.col("data").is_not_null())
        .select("row", pl.col("data").str.extract_all(_TOKENS).alias("token"))
        .explode("token", empty_as_null=True)
        .with_columns(pl.when(pl.col("token").str.starts_with("[")).then(pl.col("token").str.slice(1)).alias("element"))
        .with_columns(pl.col("element").forward_fill().over("row"), pl.col("element").is_not_null().alias("starts"))
        .filter(~pl.col("starts"))
        .with_columns(pl.col("token").str.extract_groups(_PARAMETER).alias("pair")).unnest("pair")
    )  # fmt: skip
    value = pl.col("value").str.replace_all(r'\\(["\\\]])', "$1")
    pairs = (
        tokens.select("row", pl.struct((pl.col("element") + "." + pl.col("key")).alias("key"), value.alias("value"))
                      .alias("fields"))
        .group_by("row", maintain_order=True).agg("fields").collect()
    )  # fmt: skip
    return got.join(pairs, on="row", how="left", maintain_order="left")
