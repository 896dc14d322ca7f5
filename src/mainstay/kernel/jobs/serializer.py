"""How arguments and results of jobs are stored: JSON, never pickle, so the database cannot run code."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any
from uuid import UUID

from dbos import Serializer


class JobError(Exception):
    """What a step or job raised, as it is stored: ``kind`` is the exception's class name, the text its
    message.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind

    @classmethod
    def of(cls, error: BaseException) -> JobError:
        return error if isinstance(error, JobError) else cls(type(error).__name__, str(error)[:4000])

    def __str__(self) -> str:
        return str(self.args[0])


_TAG = "$mainstay"


class JsonSerializer(Serializer):
    """JSON with times, dates, UUIDs and errors; tuples come back as lists. ``TypeError`` for the rest."""

    def name(self) -> str:
        return "mainstay_json"

    def serialize(self, data: Any) -> str:
        return json.dumps(_encode(data), separators=(",", ":"), ensure_ascii=False, allow_nan=False)

    def deserialize(self, serialized_data: str) -> Any:
        return json.loads(serialized_data, object_hook=_decode)


def _encode(value: Any) -> Any:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case list() | tuple():
            return [_encode(item) for item in value]
        case dict():
            if not all(isinstance(key, str) for key in value):
                raise TypeError("Keys of a stored object must be text.")
            encoded = {key: _encode(item) for key, item in value.items()}
            # An object that looks like a tag is wrapped, so that it comes back as the object it was.
            return {_TAG: "object", "value": list(encoded.items())} if _TAG in value else encoded
        case datetime():
            return {_TAG: "datetime", "value": value.isoformat()}
        case date():
            return {_TAG: "date", "value": value.isoformat()}
        case UUID():
            return {_TAG: "uuid", "value": str(value)}
        case BaseException():
            error = JobError.of(value)
            return {_TAG: "error", "value": [error.kind, str(error)]}
    raise TypeError(f"{type(value).__name__} cannot be stored with a job: give ids, text, numbers, lists or objects.")


def _decode(item: dict[str, Any]) -> Any:
    value = item.get("value")
    match item.get(_TAG):
        case "datetime":
            return datetime.fromisoformat(str(value))
        case "date":
            return date.fromisoformat(str(value))
        case "uuid":
            return UUID(str(value))
        case "error" if isinstance(value, list):
            return JobError(*value)
        case "object" if isinstance(value, list):
            return dict(value)
    return item
