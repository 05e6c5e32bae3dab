"""`shoal doctor` finds nothing where nothing is wrong, and each fault with its remedy where something is."""

import json
from pathlib import Path
from typing import Any

import psycopg

from app.database import Db
from app.jobs.queue import enqueue
from tests.commands.conftest import Shoal


def findings(shoal: Shoal, code: int, **env: str) -> dict[str, dict[str, Any]]:
    said = shoal("doctor", "--json", **env)
    assert said.returncode == code, said.stdout + said.stderr
    return {finding["subject"]: finding for finding in json.loads(said.stdout)}


def test_all_is_well_on_a_fresh_database(shoal: Shoal) -> None:
    found = findings(shoal, 0)
    assert {finding["level"] for finding in found.values()} == {"ok"}
    assert {"store", "database", "pgvector", "migrations", "embedders", "indexes", "jobs", "workers"} <= set(found)
    assert "PostgreSQL" in found["database"]["said"]
    assert not any(Path(shoal.home / "store").rglob("*.*"))


def test_a_database_that_is_down_is_a_fault(shoal: Shoal) -> None:
    found = findings(shoal, 2, DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert found["database"]["level"] == "fault"
    assert "DATABASE_URL" in found["database"]["remedy"]


def test_missing_migrations_are_a_fault(shoal_alone: Shoal) -> None:
    found = findings(shoal_alone, 2)
    assert "shoal migrate" in found["migrations"]["remedy"]


def test_a_store_that_cannot_be_written_is_a_fault(shoal: Shoal, home: Path) -> None:
    (home / "file").write_text("in the way")
    found = findings(shoal, 2, SHOAL_STORE=str(home / "file" / "store"))
    assert found["store"]["level"] == "fault"
    assert "SHOAL_STORE" in found["store"]["remedy"]


def test_an_embedder_that_changed_is_a_fault(shoal: Shoal, db: Db, make_project) -> None:
    config = json.dumps({"spec": "onnx:/nowhere/model.toml"})
    row = db.execute(
        "insert into embedder (name, digest, dimension, config) values ('lost', 'x', 2, %s) returning id", [config]
    ).fetchone()
    project_id = make_project("Sea")
    db.execute("update project set embedder_id = %s where id = %s", [row.id, project_id])
    db.commit()
    assert findings(shoal, 2)["embedder lost"]["level"] == "fault"


def test_a_long_transaction_is_a_warning_with_its_process(shoal: Shoal, database_url: str, monkeypatch) -> None:
    from app import database, doctor
    from app.settings import load_settings

    monkeypatch.setattr(doctor, "LONG_TRANSACTION_S", 0)
    with psycopg.connect(database_url) as holder, database.connect(database_url, autocommit=True) as db:
        holder.execute("select 1")
        found = list(doctor.look_at_transactions(load_settings(shoal.env), db))
        pid = holder.info.backend_pid
    remedies = [finding.remedy for finding in found if finding.level == "warning"]
    assert any(f"pg_terminate_backend({pid})" in remedy for remedy in remedies)


def test_lost_and_failed_jobs_are_warnings_and_waiting_ones_without_a_worker_a_fault(shoal: Shoal, db: Db) -> None:
    lost, failed, _ = (enqueue(db, "embed", "Embed", None, None, {"n": n}) for n in range(3))
    db.execute(
        "update job set status = 'running', worker = 'gone', seen_at = now() - interval '1 h' where id = %s", [lost]
    )
    db.execute("update job set status = 'failed', ended_at = now(), error = 'No.' where id = %s", [failed])
    db.commit()
    said = shoal("doctor")
    assert said.returncode == 2
    assert f"WARNING jobs: Jobs {lost} lost their worker." in said.stdout
    assert f"WARNING jobs: Job {failed} (Embed) failed: No." in said.stdout
    assert "FAULT   workers: None is at work, and 1 jobs wait." in said.stdout
    assert f"Retry it at /jobs/{failed}." in said.stdout
