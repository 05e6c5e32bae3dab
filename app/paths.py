"""Where templates, static files and migrations are: beside the code in a checkout, inside the wheel once installed."""

from pathlib import Path

_WHEEL = Path(__file__).parent / "_data"
ROOT = _WHEEL if _WHEEL.is_dir() else Path(__file__).parent.parent

TEMPLATES = ROOT / "templates"
STATIC = ROOT / "static"
MIGRATIONS = ROOT / "migrations"
