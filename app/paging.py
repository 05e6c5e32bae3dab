"""Pages of lists by key: the last row's id and sort key stand in the address, so that no row is skipped or repeated.

A cursor is an opaque text, which anybody may have made up.
"""

import base64
import json
from typing import Any

from app.errors import Refused

BAD_CURSOR = "This address does not say where the list goes on. Start from its beginning."


def cursor_of(*parts: Any) -> str:
    """Numbers and texts, whatever the list goes on after; other things as their text."""
    text = json.dumps(parts, separators=(",", ":"), ensure_ascii=False, default=str)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def parts_of(cursor: str) -> list[Any]:
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError) as error:
        raise Refused(BAD_CURSOR) from error
    if not isinstance(parts, list):
        raise Refused(BAD_CURSOR)
    return parts


def id_and_key(cursor: str) -> tuple[int | None, str]:
    """Id and key of the last row that was shown; (None, '') at the beginning."""
    if not cursor:
        return None, ""
    match parts_of(cursor):
        case [int(row_id), str() | int() | float() as key] if _is_id(row_id):
            return row_id, str(key)
    raise Refused(BAD_CURSOR)


def value_and_id(parts: list[Any], texts: bool) -> tuple[float | str | None, int]:
    """The value (None: missing) and the id that a cursor starts with; refused where the column has another type."""
    kinds = (str,) if texts else (int, float)
    if len(parts) < 2 or not _is_id(parts[1]):
        raise Refused(BAD_CURSOR)
    if parts[0] is not None and (not isinstance(parts[0], kinds) or isinstance(parts[0], bool)):
        raise Refused(BAD_CURSOR)
    return parts[0], parts[1]


def _is_id(part: Any) -> bool:
    return type(part) is int and 0 <= part < 2**63
