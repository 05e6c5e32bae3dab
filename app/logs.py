"""What the server writes down of a request: the fields listed here and no others, never a cookie, a body or a query."""

import logging
import secrets
import sys
import time
from typing import Any

import structlog
from litestar.types import Message, Scope

log = structlog.get_logger("shoal")


def configure_logs(level: str) -> None:
    """Lines for a terminal, JSON for anything that collects logs."""
    pretty = sys.stderr.isatty()
    renderer = structlog.dev.ConsoleRenderer() if pretty else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([] if pretty else [structlog.processors.format_exc_info]),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper(), logging.INFO)),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def request_id(scope: Scope) -> str:
    """A short name for this request: shown with an error, and found again in the log."""
    state: dict[str, Any] = scope.setdefault("state", {})
    if "request_id" not in state:
        state["request_id"] = secrets.token_hex(6)
        state["began"] = time.perf_counter()
    name: str = state["request_id"]
    return name


async def log_answer(message: Message, scope: Scope) -> None:
    """One line for every answer but files, whose successes would drown the rest."""
    if message["type"] != "http.response.start" or scope["type"] != "http":
        return
    handler = scope.get("route_handler")
    status = message["status"]
    if handler is not None and handler.opt.get("quiet") and status < 400:
        return
    viewer = scope.get("user")
    name = request_id(scope)
    log.info(
        "request",
        request_id=name,
        method=scope["method"],
        path=loggable_path(scope),
        status=status,
        ms=round(1000 * (time.perf_counter() - scope["state"]["began"]), 1),
        account_id=viewer.account_id if viewer else None,
    )


def loggable_path(scope: Scope) -> str:
    """The path, but for a route whose path holds a secret, which is named by its pattern."""
    template = scope.get("path_template") or ""
    return template if "{token" in template else scope["path"]
