"""What the API's description says of every operation: the ways it refuses, and how a program shows who it is."""

import inspect
from dataclasses import MISSING, dataclass, fields
from http import HTTPStatus
from typing import Any

from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.spec import Components, Schema, SecurityScheme
from litestar.plugins import OpenAPISchemaPlugin
from litestar.types import Empty
from litestar.typing import FieldDefinition

from app.objects import tile_fields

DESCRIPTION = "\n\n".join(
    (
        "The same things as on Shoal's pages. A program sends a personal token, made on one's account page, as "
        "`Authorization: Bearer …`; one that changes something needs its rights to be “full”. Errors are problem "
        "details (RFC 9457) whose `detail` says what happened and what to do.",
        "Statuses are `U` unclassified, `P` predicted, `D` dubious and `V` validated. An object is listed with its "
        "`state`, and a label is sent with the state in which its object was listed: what somebody changed since is "
        "left as it is, and told under `refused`.",
        "What changes something takes a `client_id`, a UUID that the program draws. The same one sent again, as after "
        "a lost connection, has the same outcome, and nothing happens twice.",
        "Nothing is labelled in a batch that was not reported as seen, under …/seen. Of a person's window that means "
        "painted for 300 ms; a program reports what it has looked at. The rest is accepted under an audit.",
        f"Under `tiles` stand objects as they are shown: {tile_fields.described()}. On a page of a batch also "
        f"{tile_fields.described(tile_fields.IN_A_BATCH)}.",
    )
)
REASONS = {
    400: "not understood",
    401: "nobody is logged in, or the token is not good",
    403: "not allowed",
    404: "not there, or not shared with the caller",
    408: "nothing came for a while",
    409: "changed meanwhile",
    410: "gone",
    412: "a header is missing",
    413: "too large",
    415: "of a kind that is not taken",
    422: "a value is not possible",
    423: "in use at the moment",
    429: "too often",
    501: "this server has no way to do it",
    503: "not at the moment: try again",
    507: "no room left",
}


@dataclass
class Problem:
    """RFC 9457 problem details; `request_id` is found again in the server's log."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str


class SaidTypes(OpenAPISchemaPlugin):
    """Describes dataclasses by their fields, as Litestar does, and by what their docstrings say."""

    def is_plugin_supported_field(self, field_definition: FieldDefinition) -> bool:
        return field_definition.is_dataclass_type

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: Any) -> Schema:
        types = field_definition.get_type_hints(include_extras=True, resolve_generics=True)
        known = fields(field_definition.type_)
        schema: Schema = schema_creator.create_component_schema(
            field_definition,
            required=sorted(one.name for one in known if one.default is MISSING and one.default_factory is MISSING),
            property_fields={
                one.name: FieldDefinition.from_kwarg(
                    types[one.name], one.name, default=Empty if one.default is MISSING else one.default
                )
                for one in known
            },
        )
        said = inspect.getdoc(field_definition.type_) or ""
        # Python writes one itself where there is none: the name with its fields.
        schema.description = None if said.startswith(f"{field_definition.type_.__name__}(") else said
        return schema


def refusals(*statuses: int) -> dict[int, ResponseSpec]:
    """`responses=` of a handler that may refuse in these ways."""
    return {
        status: ResponseSpec(
            Problem,
            description=REASONS.get(status, HTTPStatus(status).phrase).capitalize(),
            media_type="application/problem+json",
            generate_examples=False,
        )
        for status in statuses
    }


def openapi_config() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Shoal",
        version="1",
        description=DESCRIPTION,
        path="/api/v1/schema",
        use_handler_docstrings=True,
        components=Components(
            security_schemes={"token": SecurityScheme(type="http", scheme="bearer", description="a personal token")}
        ),
        security=[{"token": []}],
    )
