"""Code of others in static/vendor is what its manifest says, with its licence beside it."""

import hashlib
import json
from typing import Any

import pytest

from app.paths import STATIC, TEMPLATES

VENDOR = STATIC / "vendor"
ENTRIES: list[dict[str, Any]] = json.loads((VENDOR / "vendor.json").read_text())


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["name"])
def test_a_vendored_file_is_unchanged_and_licensed(entry: dict[str, Any]) -> None:
    assert hashlib.sha256((VENDOR / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]
    assert entry["version"] in entry["file"]
    assert entry["integrity"].startswith("sha512-")
    assert (VENDOR / entry["licence_file"]).read_text().strip()


def test_nothing_else_is_in_the_folder() -> None:
    known = {entry[key] for entry in ENTRIES for key in ("file", "licence_file")}
    assert {path.name for path in VENDOR.iterdir()} == known | {"vendor.json", "vendor.py"}


def test_pages_use_the_version_in_the_manifest() -> None:
    pages = "".join(path.read_text() for path in TEMPLATES.rglob("*.html"))
    assert all(f"vendor/{entry['file']}" in pages for entry in ENTRIES)
