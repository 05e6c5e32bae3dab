"""Holds programs to the fields that a request has: a mistyped one would be passed over, and the answer be another's."""

from dataclasses import fields, is_dataclass

from litestar import Request
from litestar.exceptions import SerializationException

from app.errors import Refused


async def refuse_unknown_fields(request: Request) -> None:
    """Before a handler that takes a JSON object: every name in it must be one that the handler knows."""
    taken = getattr(request.route_handler, "parsed_data_field", None)
    sends_json = request.content_type[0] in ("application/json", "")
    if taken is None or not is_dataclass(taken.annotation) or not sends_json:
        return
    try:
        body = await request.json()
    except SerializationException:
        # Told when the body is read for the handler.
        return
    known = [item.name for item in fields(taken.annotation)]
    unknown = [name for name in body if name not in known] if isinstance(body, dict) else []
    if unknown:
        raise Refused(
            f"The request has the unknown {'fields' if len(unknown) > 1 else 'field'} {', '.join(unknown[:10])}. "
            f"It may have {', '.join(known)}. Nothing was done."
        )
