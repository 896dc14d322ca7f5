"""From plain values to the types of an operation; errors name the field."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from mainstay.kernel.errors import Invalid

_PATH = re.compile(r"\$\.?([A-Za-z0-9_]+)?")
_WORDS = {"int": "a whole number", "bool": "true or false", "str": "text", "float": "a number", "array": "a list",
          "object": "an object"}  # fmt: skip


def convert(value: Any, type_: Any) -> Any:
    """``value`` as ``type_``. Raises ``Invalid`` naming the field."""
    if type_ is None or type_ is Any:
        return value
    try:
        return msgspec.convert(value, type_, strict=False)
    except msgspec.ValidationError as error:
        raise Invalid(fields=_explain(str(error))) from None
    except (RecursionError, OverflowError):
        raise Invalid("The body is nested too deeply.") from None


def _explain(text: str) -> dict[str, list[str]]:
    message, _, where = text.partition(" - at `")
    missing = re.search(r"missing required field `([^`]+)`", message)
    if missing:
        name = missing.group(1)
        return {name: [f"Please provide {name.replace('_', ' ')}."]}
    match = _PATH.match(where)
    name = (match.group(1) if match else None) or "body"
    expected = re.search(r"Expected `([^`]+)`", message)
    kinds = expected.group(1).split(" | ") if expected else []
    wanted = " or ".join(_WORDS.get(kind, kind) for kind in kinds if kind != "null")
    return {name: [f"{name} must be {wanted}." if wanted else f"{name}: {message}."]}
