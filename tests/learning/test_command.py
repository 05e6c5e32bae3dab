"""Learning sets from the command line."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from app.cli import main
from app.database import Db
from app.projects.queries import set_member
from app.settings import Settings
from tests.learning.conftest import Seas


@pytest.fixture
def shoal(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a command in this process, on this test's database; gives its answer, which must be good."""
    monkeypatch.setenv("SHOAL_HOME", str(settings.home))
    monkeypatch.setenv("DATABASE_URL", settings.database_url)

    def run(*words: str, code: int = 0) -> str:
        answer = CliRunner().invoke(main, ["learning-set", *words])
        assert answer.exit_code == code, answer.output
        return answer.output

    return run


def test_made_listed_written_out_and_brought_in_again(db: Db, seas: Seas, shoal: Any, tmp_path: Path) -> None:
    db.execute("update project set created_by = %s", [seas.ada.id])
    db.commit()
    assert "None yet" in shoal("list", "Bay")
    told = shoal("make", "Bay", "--from", "Bay", "--from", "Gulf", "--per-taxon", "10", "--title", "Both")
    assert "Both 1: 30 objects of 3 taxa." in told
    listed = shoal("list", "Bay")
    assert "Both 1\t30 objects\t3 taxa" in listed
    file = tmp_path / "both.parquet"
    assert "30 objects" in shoal("export", listed.split("\t")[0], str(file))
    assert "both 1: 30 objects of 3 taxa." in shoal("import", "Bay", str(file))
    assert file.exists()


def test_what_the_maker_may_not_read_is_refused_in_one_sentence(db: Db, seas: Seas, shoal: Any) -> None:
    db.commit()
    told = shoal("make", "Bay", "--from", "Gulf", "--as", seas.ben.email, code=1)
    assert f"project {seas.gulf.id} cannot be learned from" in told
    assert "Nobody has the e-mail" in shoal("make", "Bay", "--as", "x@example.org", code=1)


@pytest.mark.parametrize("role", [None, "visitor", "annotator"])
def test_only_who_may_make_learning_sets_is_one_whose_rights_count(
    db: Db, seas: Seas, shoal: Any, tmp_path: Path, role: str | None
) -> None:
    db.execute("delete from member where project_id = %s and account_id = %s", [seas.bay.id, seas.ben.id])
    if role:
        set_member(db, seas.bay.id, seas.ben.id, role)
    file = tmp_path / "both.parquet"
    file.write_bytes(b"")
    db.commit()
    for words in (("make", "Bay", "--from", "Bay"), ("import", "Bay", str(file))):
        told = shoal(*words, "--as", seas.ben.email, code=1)
        assert f"that needs the role manager, and theirs is {role or 'none'}" in told
    assert db.execute("select count(*) as n from learning_set").fetchone().n == 0


def test_what_cannot_be_written_is_said_before_anything_is(db: Db, seas: Seas, shoal: Any, tmp_path: Path) -> None:
    db.commit()
    assert "There is no learning set 99" in shoal("export", "99", str(tmp_path / "x.parquet"), code=1)
    assert "as .parquet" in shoal("export", "99", str(tmp_path / "x.csv"), code=1)
    assert "There is no folder" in shoal("export", "99", str(tmp_path / "none" / "x.parquet"), code=1)
    assert not list(tmp_path.glob("x*"))
