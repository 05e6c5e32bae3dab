"""Migrations apply once, in order, each in its own transaction, and never changed."""

from pathlib import Path

import psycopg
import pytest

from app import database
from app.database.launcher import Cluster
from app.errors import Refused


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_one.sql").write_text("create table one (n int);")
    (tmp_path / "0002_two.sql").write_text("create table two (n int);")
    return tmp_path


@pytest.fixture
def empty_url(server: Cluster, database_url: str) -> str:
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute("drop database if exists empty_one with (force)")
        admin.execute("create database empty_one template template0")
    return server.url.replace("///shoal", "///empty_one")


def test_they_apply_once_and_in_order(empty_url: str, folder: Path) -> None:
    assert database.migrate(empty_url, folder) == ["0001_one.sql", "0002_two.sql"]
    assert database.migrate(empty_url, folder) == []


def test_a_failing_one_leaves_nothing_of_itself(empty_url: str, folder: Path) -> None:
    (folder / "0003_three.sql").write_text("create table three (n int); select 1/0;")
    with pytest.raises(psycopg.errors.DivisionByZero):
        database.migrate(empty_url, folder)
    with psycopg.connect(empty_url) as db:
        assert db.execute("select to_regclass('two'), to_regclass('three')").fetchone() == ("two", None)


def test_a_changed_one_is_refused(empty_url: str, folder: Path) -> None:
    database.migrate(empty_url, folder)
    (folder / "0001_one.sql").write_text("create table other (n int);")
    with pytest.raises(Refused, match=r"0001_one\.sql was changed"):
        database.migrate(empty_url, folder)


def test_a_database_of_a_newer_shoal_is_refused(empty_url: str, folder: Path) -> None:
    database.migrate(empty_url, folder)
    (folder / "0002_two.sql").unlink()
    with pytest.raises(Refused, match="newer"):
        database.migrate(empty_url, folder)


def test_the_real_ones_are_all_applied(db: database.Db) -> None:
    assert database.pending(db) == []
    assert db.execute("select count(*) from project").fetchone()[0] == 0
