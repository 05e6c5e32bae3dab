"""Where a list goes on: an opaque text in the address, which anybody may have made up."""

import base64
import json
from typing import Any

from app.errors import Refused

BAD_CURSOR = "This address does not say where the list goes on. Reload the page."


def write_cursor(*parts: Any) -> str:
    text = json.dumps(parts, separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> list[Any]:
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError) as error:
        raise Refused(BAD_CURSOR) from error
    if not isinstance(parts, list):
        raise Refused(BAD_CURSOR)
    return parts


def value_and_id(parts: list[Any], texts: bool) -> tuple[float | str | None, int]:
    """The value (None: missing) and the id that a cursor starts with; refused where the column has another type."""
    kinds = (str,) if texts else (int, float)
    if len(parts) < 2 or type(parts[1]) is not int or not 0 <= parts[1] < 2**63:
        raise Refused(BAD_CURSOR)
    if parts[0] is not None and (not isinstance(parts[0], kinds) or isinstance(parts[0], bool)):
        raise Refused(BAD_CURSOR)
    return parts[0], parts[1]
