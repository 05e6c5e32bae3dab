"""What the API's description says of every operation: the ways it refuses, and how a program shows who it is."""

from dataclasses import dataclass
from http import HTTPStatus

from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.spec import Components, SecurityScheme

DESCRIPTION = (
    "The same things as on Shoal's pages. A program sends a personal token, made on one's account page, as "
    "`Authorization: Bearer …`. Errors are problem details (RFC 9457) whose `detail` says what happened and what to do."
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
