"""The OpenAPI 3.1 document, made from the same operations and types that answer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from mainstay.kernel.operation import Operation

ERRORS = {
    "400": "The input cannot be accepted; `fields` names what is wrong.",
    "401": "The credentials do not hold.",
    "403": "Credentials or a permission are missing.",
    "404": "There is no such record.",
    "409": "The record's state does not allow this.",
    "412": "Somebody else changed the record since it was read.",
    "413": "The request is too large.",
    "415": "The content type is not supported.",
    "429": "Too many requests; see Retry-After.",
    "500": "Something went wrong; `reference` is in the server's log.",
    "503": "The server cannot take this now; nothing was changed.",
}


class Error(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Every error's body."""

    error: str
    fields: dict[str, list[str]] = {}
    reference: str = ""
    permission: str = ""
    code: str = ""


def build(operations: Iterable[Operation], *, version: str, server: str) -> dict[str, Any]:
    """The document as plain values."""
    served = sorted(operations, key=lambda item: (item.path, item.method))
    types: list[Any] = [Error]
    for item in served:
        types += [t for t in (item.body, item.query, item.returns) if _documentable(t)]
    unique = list({id(t): t for t in types}.values())
    schemas, components = msgspec.json.schema_components(unique, ref_template="#/components/schemas/{name}")
    by_type = {id(t): schema for t, schema in zip(unique, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for item in served:
        paths.setdefault(item.path, {})[item.method.lower()] = _operation(item, by_type, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Mainstay",
            "version": version,
            "description": "IT operations platform: service desk, people and organization behind one API.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": server}] if server else [],
        "tags": [{"name": name} for name in sorted({item.module for item in served})],
        "security": [{"ApiKey": []}, {"Token": []}, {"Session": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": _errors(),
            "securitySchemes": {
                "ApiKey": {"type": "apiKey", "in": "header", "name": "Authorization",
                           "description": "`ApiKey <key>`"},
                "Token": {"type": "http", "scheme": "bearer"},
                "Session": {"type": "apiKey", "in": "cookie", "name": "mainstay_session"},
            },
        },
    }  # fmt: skip


def _documentable(type_: Any) -> bool:
    return type_ not in (None, type(None), Any) and not hasattr(type_, "__mainstay_media__")


def _schema(type_: Any, by_type: dict[int, Any]) -> dict[str, Any]:
    if not _documentable(type_):
        return {}
    known: dict[str, Any] = by_type.get(id(type_), {})
    return known


def _operation(item: Operation, by_type: dict[int, Any], components: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "tags": [item.module],
        "operationId": item.operation_id,
        "summary": item.summary,
        "parameters": [_path_parameter(name) for name in re.findall(r"{(\w+)}", item.path)],
        "responses": _responses(item, by_type),
    }
    if item.description:
        made["description"] = item.description
    if item.permission:
        made["description"] = (
            made.get("description", "") + f"\n\nNeeds `{item.permission[0]}.{item.permission[1]}`."
        ).strip()
    if item.public:
        made["security"] = []
    if item.query is not None:
        made["parameters"] += _query_parameters(item.query, by_type, components)
    if item.method != "GET" and (item.body is not None or item.upload):
        made["requestBody"] = _request_body(item, by_type)
    if item.method == "POST" and not item.public and not item.raw:
        made["parameters"].append({"name": "Idempotency-Key", "in": "header", "required": False,
                                   "schema": {"type": "string", "maxLength": 128}})  # fmt: skip
    if item.stage in ("replace", "patch", "delete"):
        made["parameters"].append({"name": "If-Match", "in": "header", "required": False,
                                   "schema": {"type": "string"}})  # fmt: skip
    return made


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _query_parameters(type_: Any, by_type: dict[int, Any], components: dict[str, Any]) -> list[dict[str, Any]]:
    name = _schema(type_, by_type).get("$ref", "").rsplit("/", 1)[-1]
    shape = components.get(name, {})
    required = set(shape.get("required", ()))
    return [
        {"name": key, "in": "query", "required": key in required, "schema": schema}
        for key, schema in shape.get("properties", {}).items()
    ]


def _request_body(item: Operation, by_type: dict[int, Any]) -> dict[str, Any]:
    if item.raw:
        return {"content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in item.raw},
                "required": True}  # fmt: skip
    schema = _schema(item.body, by_type)
    content: dict[str, Any] = {}
    if item.upload:
        content["multipart/form-data"] = {
            "schema": {"type": "object", "properties": {"file": {"type": "string", "format": "binary"},
                                                        "mapping": {"type": "string"}}}
        }  # fmt: skip
        content["text/csv"] = {"schema": {"type": "string"}}
    for kind in ("application/json", "application/x-www-form-urlencoded", "multipart/form-data"):
        entry: dict[str, Any] = {"schema": schema}
        if item.example is not None and kind == "application/json":
            entry["example"] = item.example
        content.setdefault(kind, entry)
    return {"content": content, "required": False}


def _responses(item: Operation, by_type: dict[int, Any]) -> dict[str, Any]:
    answers: dict[str, Any] = {str(item.status): {"description": "Done."}}
    if item.status != 204:
        answers[str(item.status)] = {
            "description": "Done.", "content": {"application/json": {"schema": _schema(item.returns, by_type)}}
        }  # fmt: skip
    media = getattr(item.returns, "__mainstay_media__", None)
    if media:
        answers[str(item.status)]["content"] = {kind: {"schema": {"type": "string"}} for kind in media}
    for kind in item.raw:
        if kind == "application/x-protobuf":
            # Answered in the encoding that was sent.
            answers[str(item.status)]["content"][kind] = {"schema": {"type": "string", "format": "binary"}}
    answers |= {status: {"$ref": f"#/components/responses/{status}"} for status in ERRORS}
    return answers


def _errors() -> dict[str, Any]:
    """The answers that every operation can give, written once."""
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {status: {"description": meaning, "content": content} for status, meaning in ERRORS.items()}
