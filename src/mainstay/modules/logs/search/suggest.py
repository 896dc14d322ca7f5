"""What may come next while somebody types a query."""

from __future__ import annotations

import re

from mainstay.kernel.context import Context
from mainstay.modules.logs.search import columns, counting, service
from mainstay.modules.logs.search.columns import Column
from mainstay.modules.logs.search.query import Compare, Pattern, quoted, render
from mainstay.modules.logs.search.shapes import Suggestion
from mainstay.modules.logs.search.table import LINES

_VALUE = re.compile(
    r"""(?:^|(?<=[\s(!-]))(?P<field>[A-Za-z_@][\w.@-]*|"[^"]+")(?P<op>!=|<=|>=|[:=<>~])"""
    r"""(?:"(?P<quoted>[^"]*)|(?P<bare>[^\s()",<>=]*))$"""
)
_WORD = re.compile(r"[^\s()\"!]*$")
_TIMES = ("now-15m", "now-1h", "now-6h", "now-1d", "now-7d", "today", "yesterday")


async def suggest(ctx: Context, chosen: service.Chosen, text: str, position: int, limit: int) -> list[Suggestion]:
    """Suggestions for the place of the cursor; ``chosen`` bounds the lines that values are taken from."""
    before = text[:position]
    value = _VALUE.search(before)
    if value is not None:
        name = value["field"].strip('"')
        column = columns.find(name)
        begun = value["quoted"] if value["quoted"] is not None else value["bare"]
        found = await values(ctx, chosen, column, begun, limit)
        shown = quoted(name) if value["field"].startswith('"') else name
        return [
            Suggestion(text=f"{shown}{value['op']}{_term(item)}", label=item, kind="value", start=value.start("field"),
                       end=position)
            for item in found
        ]  # fmt: skip
    begun = (_WORD.search(before) or re.match("", "")).group()  # type: ignore[union-attr]
    start = position - len(begun)
    if begun.startswith("-"):
        begun, start = begun[1:], start + 1
    names = [*columns.COLUMNS, *(columns.PREFIX + key for key in (await counting.keys(ctx, chosen))[0])]
    low = begun.lower()
    made: list[Suggestion] = []
    exact = columns.ALIASES.get(low, low)
    if exact in columns.COLUMNS or (columns.PREFIX + begun) in names or begun in names:
        column = columns.find(begun)
        made += [Suggestion(text=begun + op, label=f"{begun}{op}", kind="operator", start=start, end=position)
                 for op in counting.OPERATORS[column.kind]]  # fmt: skip
    if begun or not before.strip() or not before.rstrip().endswith(tuple("(:=<>")):
        made += [Suggestion(text=_field(name) + ":", label=name, kind="field", start=start, end=position)
                 for name in names
                 if low in name.lower() and name.lower() != low][: limit - len(made)]  # fmt: skip
    words = ("and", "or", "not") if before.strip() else ("not",)
    made += [Suggestion(text=word + " ", label=word, kind="keyword", start=start, end=position)
             for word in words if word.startswith(low) and word != low]  # fmt: skip
    return made[:limit]


def _field(name: str) -> str:
    return render(Compare(name, ":", Pattern(("x",))))[:-2]


def _term(value: str) -> str:
    return render(Compare("host", ":", Pattern((value,))))[len("host:") :]


async def values(ctx: Context, chosen: service.Chosen, column: Column, begun: str, limit: int) -> list[str]:
    """Values of a column that begin so, the most frequent of the newest lines first."""
    low = begun.lower()
    if column.kind == "level":
        return [name for name in columns.level_names(column.name) if name.startswith(low)][:limit]
    if column.kind == "time":
        return [word for word in _TIMES if word.startswith(low)][:limit]
    if column.name in counting.UNCOUNTED:
        return []
    expression = counting.value_of(column, chosen.condition)
    clause = chosen.clause()
    found = await service.rows(
        ctx.platform,
        f"SELECT value, count() AS lines FROM (SELECT {expression} AS value FROM "  # noqa: S608
        f"(SELECT * FROM {LINES} WHERE {clause} ORDER BY time DESC, id DESC LIMIT {{sample:UInt32}})) "
        "WHERE value != '' AND startsWith(lower(value), lower({begun:String})) "
        "GROUP BY value ORDER BY lines DESC, value LIMIT {limit:UInt32}",
        {**chosen.parameters, "sample": counting.SAMPLE, "begun": begun, "limit": limit},
    )
    return [row["value"] for row in found]
