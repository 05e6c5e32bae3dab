"""Names the words that a field or a parameter may have, where a request brought another."""

import re
from dataclasses import is_dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

from litestar import Request

WRONG_WORD = re.compile(r"Invalid enum value '?(.*?)'?(?: - at .*)?$")


def choices_of(request: Request | None, fault: dict[str, Any]) -> str:
    """ "'X' is none of V, D"; empty where the fault is another one."""
    found = WRONG_WORD.match(fault["message"])
    if request is None or found is None:
        return ""
    words = _words(_meant(request, str(fault.get("key", ""))))
    return f"{found[1][:40]!r} is none of {', '.join(words)}" if words else ""


def _meant(request: Request, key: str) -> Any:
    """The annotation of a field of the body, such as `wish.status` or `0.status`, else of a parameter."""
    handler: Any = request.route_handler
    parameters = handler.parsed_fn_signature.parameters
    if key in parameters:
        return parameters[key].annotation
    body = getattr(handler, "parsed_data_field", None)
    meant = body.annotation if body is not None else None
    for name in re.findall(r"[A-Za-z_]\w*", key):
        meant = _field(meant, name)
    return meant


def _field(annotation: Any, name: str) -> Any:
    for one in (annotation, *get_args(annotation)):
        if is_dataclass(one):
            return get_type_hints(one).get(name)
    return None


def _words(annotation: Any) -> list[str]:
    """Of a Literal, also within an optional or an annotated one."""
    if get_origin(annotation) is Literal:
        return [str(word) for word in get_args(annotation)]
    return [word for one in get_args(annotation) for word in _words(one)]
