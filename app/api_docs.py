"""The API described: OpenAPI 3.1 for programs, and a page of it for people, without any script."""

import itertools
from collections.abc import Iterator
from typing import Any

from litestar import Request, Response, get
from litestar.response import Template

METHODS = ("get", "head", "post", "put", "patch", "delete", "options")


@get("/api/v1/openapi.json", opt={"public": True}, include_in_schema=False, sync_to_thread=False)
def send_schema(request: Request) -> Response[dict[str, Any]]:
    return Response(request.app.openapi_schema.to_schema(), media_type="application/json")


@get("/api", opt={"public": True}, include_in_schema=False, sync_to_thread=False)
def show_docs(request: Request) -> Template:
    schema = request.app.openapi_schema.to_schema()
    operations = sorted(list_operations(schema), key=lambda operation: operation["tag"])
    groups = [(tag, list(group)) for tag, group in itertools.groupby(operations, lambda each: each["tag"])]
    context = {
        "info": schema["info"],
        "groups": groups,
        "types": {each["name"]: each for each in list_types(schema)},
        "base_url": str(request.base_url),
    }
    return Template("api.html", context=context)


def list_operations(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every operation with what the page shows of it; references are resolved one level deep."""
    for path, item in schema["paths"].items():
        for method in METHODS:
            if method in item:
                yield describe(schema, path, method, item[method])


def list_types(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every type that a request or an answer is of, or has a part of, by name: what it is, and its fields."""
    for name, described in sorted(schema["components"]["schemas"].items(), key=lambda each: each[0].lower()):
        says = flowing(described.get("description", ""))
        yield {"name": name, "says": says, "fields": fields_of(schema, described)}


def describe(schema: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    answers = [
        {"status": status, "description": answer["description"], "content": content_of(schema, answer)}
        for status, answer in sorted(operation["responses"].items())
    ]
    return {
        "id": operation["operationId"],
        "tag": (operation.get("tags") or ["other"])[0],
        "method": method.upper(),
        "path": path,
        "title": title_of(operation),
        "description": flowing(operation.get("description", "")),
        "parameters": [
            {
                "name": parameter["name"],
                "where": parameter["in"],
                "type": type_of(parameter["schema"]),
                "required": parameter.get("required", False),
                "description": parameter.get("description", ""),
            }
            for parameter in operation.get("parameters", [])
        ],
        "body": content_of(schema, operation.get("requestBody", {})),
        "answers": [answer for answer in answers if answer["status"] < "300"],
        "refusals": [answer for answer in answers if answer["status"] >= "300"],
    }


def flowing(text: str) -> str:
    """A docstring without the ends of its lines, which are the source's; its paragraphs stay."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def title_of(operation: dict[str, Any]) -> str:
    """The summary where somebody wrote one (Litestar makes one of the function's name), else the docstring."""
    summary: str = operation.get("summary", "")
    return summary if " " in summary else flowing(operation.get("description", "")).partition("\n")[0]


def content_of(schema: dict[str, Any], part: dict[str, Any]) -> dict[str, Any] | None:
    """Media type, type and fields of a body or an answer, and what the type says of itself."""
    for media_type, content in part.get("content", {}).items():
        described = content.get("schema", {})
        return {
            "media_type": media_type,
            "type": type_of(described),
            "says": flowing(target_of(schema, described).get("description", "")),
            "fields": fields_of(schema, described),
        }
    return None


def target_of(schema: dict[str, Any], described: dict[str, Any]) -> dict[str, Any]:
    """What a reference leads to, or that of which there is a list."""
    target: dict[str, Any] = described.get("items", described)
    return schema["components"]["schemas"][target["$ref"].rpartition("/")[2]] if "$ref" in target else target


def fields_of(schema: dict[str, Any], described: dict[str, Any]) -> list[dict[str, Any]]:
    target = target_of(schema, described)
    required = set(target.get("required", []))
    return [
        {
            "name": name,
            "type": type_of(field),
            "required": name in required,
            "default": field.get("default"),
            "description": field.get("description", ""),
        }
        for name, field in target.get("properties", {}).items()
    ]


def type_of(described: dict[str, Any]) -> str:
    """A schema in a few words: `integer or null`, `list of Token`."""
    if "$ref" in described:
        name: str = described["$ref"].rpartition("/")[2]
        return name
    if "enum" in described:
        return " or ".join(repr(value) for value in described["enum"])
    for several in ("oneOf", "anyOf"):
        if several in described:
            return " or ".join(type_of(one) for one in described[several])
    kind = described.get("type", "anything")
    if isinstance(kind, list):
        return " or ".join(kind)
    if kind == "array":
        return f"list of {type_of(described.get('items', {}))}"
    return str(described.get("format", kind)) if kind == "string" else str(kind)


routes = [send_schema, show_docs]
