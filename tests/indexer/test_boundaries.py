"""Dependencies point one way: the arithmetic knows nothing of the server."""

import ast
from pathlib import Path

import indexer

FORBIDDEN = {"app", "psycopg", "psycopg_pool", "pgvector", "litestar", "procrastinate", "fsspec", "jinja2"}


def imported(path: Path) -> set[str]:
    """The top-level names that a module imports, at its head or inside functions."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add("." * node.level + (node.module or "").partition(".")[0])
    return names


def test_indexer_imports_nothing_of_the_server_nor_of_the_database() -> None:
    modules = list(Path(indexer.__file__).parent.rglob("*.py"))
    assert len(modules) > 5
    for path in modules:
        assert not imported(path) & FORBIDDEN, path


def test_indexer_knows_itself_by_its_whole_name() -> None:
    for path in Path(indexer.__file__).parent.rglob("*.py"):
        assert not any(name.startswith(".") for name in imported(path)), path
