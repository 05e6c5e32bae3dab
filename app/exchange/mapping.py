"""Reads a mapping file: what the unknown taxa and people of a source stand for."""

import csv
import json
from pathlib import Path
from typing import Any

from app.errors import Refused

KINDS = {"taxon": "taxa", "taxa": "taxa", "user": "users", "users": "users", "person": "users"}
FORM = (
    'Write JSON, {"taxa": {"their name": 85011}, "users": {"their name": "mail@example.org"}}, or lines of three'
    " columns with tabs between: taxon or user, their name, and our taxon's or person's name or number."
)


def read_mapping(path: Path) -> dict[str, dict[str, Any]]:
    """The answers of a JSON file or of a table of three columns."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"The mapping {path} cannot be read ({error}).") from error
    return _from_json(path, text) if text.lstrip().startswith("{") else _from_table(path, text)


def _from_json(path: Path, text: str) -> dict[str, dict[str, Any]]:
    try:
        given = json.loads(text)
    except json.JSONDecodeError as error:
        raise Refused(f"The mapping {path} is no JSON: line {error.lineno}: {error.msg}. {FORM}") from error
    return check_mapping(given)


def check_mapping(given: Any) -> dict[str, dict[str, Any]]:
    """Refuse what does not have the form of a mapping."""
    if not isinstance(given, dict) or set(given) - {"taxa", "users"}:
        raise Refused(f"A mapping has the parts 'taxa' and 'users'. {FORM}")
    for answers in given.values():
        if not isinstance(answers, dict) or any(isinstance(answer, (dict, list)) for answer in answers.values()):
            raise Refused(f"Each part of a mapping gives one answer to each name. {FORM}")
    return given


def _from_table(path: Path, text: str) -> dict[str, dict[str, Any]]:
    mapping: dict[str, dict[str, Any]] = {"taxa": {}, "users": {}}
    for number, cells in enumerate(csv.reader(text.splitlines(), delimiter="\t"), 1):
        if not any(cells):
            continue
        kind = KINDS.get(cells[0].strip().lower())
        if kind is None or len(cells) != 3:
            raise Refused(f"{path}, line {number}, is no answer. {FORM}")
        mapping[kind][cells[1].strip()] = cells[2].strip()
    return mapping
