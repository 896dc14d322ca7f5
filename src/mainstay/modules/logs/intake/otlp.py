"""OpenTelemetry's logs (OTLP/HTTP), as protobuf and as JSON."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
from google.protobuf import json_format
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from mainstay.kernel.errors import Invalid
from mainstay.modules.logs.intake.lines import FACILITY, SEVERITY
from mainstay.modules.logs.intake.records import frame_of, level, moment, pairs, plain, record

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DEPTH = 20
# Of OpenTelemetry's six ranges of four numbers: trace, debug, info, warn, error, fatal.
_SEVERITIES = (7, 7, 6, 4, 3, 2)


def read(raw: bytes, *, is_json: bool) -> ExportLogsServiceRequest:
    """The request. Raises ``Invalid`` for what is none."""
    request = ExportLogsServiceRequest()
    try:
        if is_json:
            json_format.Parse(_hex_ids(raw), request, ignore_unknown_fields=True, max_recursion_depth=_DEPTH * 4)
        else:
            request.ParseFromString(raw)
    except (DecodeError, json_format.ParseError, UnicodeDecodeError, ValueError, RecursionError, TypeError) as error:
        raise Invalid(f"The body is no OTLP log request: {str(error)[:200] or 'it cannot be decoded'}.") from None
    return request


def _hex_ids(raw: bytes) -> str:
    """The JSON text with trace and span ids as the protobuf library reads bytes: OTLP writes them in hexadecimal."""
    import base64
    import re

    def encoded(match: re.Match[str]) -> str:
        return f'{match[1]}"{base64.b64encode(bytes.fromhex(match[2])).decode()}"'

    return re.sub(r'("(?:traceId|spanId|trace_id|span_id)"\s*:\s*)"((?:[0-9a-fA-F]{2}){8,16})"', encoded, raw.decode())


def frame(request: ExportLogsServiceRequest, organization: str, source: str, now: datetime) -> pl.DataFrame:
    """One row per record."""
    rows: list[dict[str, Any]] = []
    for resource in request.resource_logs:
        about = {item.key: value(item.value) for item in resource.resource.attributes}
        host = plain(about.pop("host.name", "")) or source
        app = plain(about.pop("service.name", ""))
        for scope in resource.scope_logs:
            for item in scope.log_records:
                attributes = {entry.key: value(entry.value) for entry in item.attributes}
                if item.trace_id:
                    attributes["trace_id"] = item.trace_id.hex()
                if item.span_id:
                    attributes["span_id"] = item.span_id.hex()
                if item.body.WhichOneof("value") == "kvlist_value":
                    # A body of fields, as the collector's journald receiver sends them: read as a JSON line is.
                    body = record(value(item.body), host, now)
                    body["fields"] += pairs({**about, **attributes})
                    body |= {"app": body["app"] or app, "msgid": body["msgid"] or item.event_name, "format": "otlp"}
                    if item.severity_number or item.severity_text:
                        body["severity"] = _severity(item)
                    rows.append(body | {"time": _time(_stamp(item), now)})
                    continue
                rows.append({
                    "host": host, "app": app, "time": _time(_stamp(item), now), "severity": _severity(item),
                    "facility": FACILITY, "procid": plain(about.get("process.pid")), "msgid": item.event_name,
                    "message": plain(value(item.body)), "fields": pairs({**about, **attributes}), "format": "otlp",
                })  # fmt: skip
    return frame_of(rows, organization, source, now)


def _stamp(item: Any) -> int:
    return int(item.time_unix_nano or item.observed_time_unix_nano)


def _time(nanoseconds: int, now: datetime) -> datetime:
    if not 0 < nanoseconds < 2**62:
        return now
    return moment((_EPOCH + timedelta(microseconds=nanoseconds // 1000)).isoformat(), now)


def _severity(item: Any) -> int:
    if 1 <= item.severity_number <= 24:
        return _SEVERITIES[(item.severity_number - 1) // 4]
    return level(item.severity_text) if item.severity_text else SEVERITY


def value(item: AnyValue, depth: int = 0) -> Any:
    """An attribute's value as plain data."""
    kind = item.WhichOneof("value")
    if kind is None or depth > _DEPTH:
        return None
    if kind == "array_value":
        return [value(inner, depth + 1) for inner in item.array_value.values]
    if kind == "kvlist_value":
        return {inner.key: value(inner.value, depth + 1) for inner in item.kvlist_value.values}
    if kind == "bytes_value":
        return item.bytes_value.hex()
    return getattr(item, kind)
