"""Pages of lists by key: the last row's id and sort key stand in the address, so that no row is skipped or repeated."""

from app.errors import Refused


def cursor_of(row_id: int, key: object) -> str:
    return f"{row_id}:{key}"


def read_cursor(text: str) -> tuple[int | None, str]:
    """Id and key of the last row that was shown; (None, '') at the beginning."""
    if not text:
        return None, ""
    row_id, colon, key = text.partition(":")
    if not colon or not row_id.isdecimal() or len(row_id) > 18:
        raise Refused("This address does not say where the list goes on. Start from its beginning.")
    return int(row_id), key
