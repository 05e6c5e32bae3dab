"""`shoal doctor` finds nothing where nothing is wrong, and each fault with its remedy where something is."""

import json
from pathlib import Path
from typing import Any

import psycopg

from app.database import Db
from app.database.launcher import Cluster
from app.jobs.queue import cancel, enqueue
from tests import small_projects
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


def test_it_makes_no_database_and_touches_none_that_is_damaged(shoal_alone: Shoal) -> None:
    data = shoal_alone.home / "postgres"
    assert "There is no database" in findings(shoal_alone, 2)["database"]["said"]
    assert not data.exists()
    data.mkdir()
    (data / "base").write_text("somebody's")
    assert "Nothing in it was touched" in findings(shoal_alone, 2)["database"]["said"]
    said = shoal_alone("user", "list")
    assert (said.returncode, said.stdout) == (2, "")
    assert str(data) in said.stderr
    assert (data / "base").read_text() == "somebody's"


def test_a_full_store_beside_an_empty_database_is_a_warning(shoal: Shoal, db: Db) -> None:
    store = shoal.home / "store"
    (store / "packs" / "ab").mkdir(parents=True)
    (store / "packs" / "ab" / "abcdef").write_bytes(b"images")
    assert "knows none of them" in findings(shoal, 1)["images"]["said"]
    server, _ = shoal.serve("--no-worker")
    assert "knows none of them" in shoal.said(server)


def test_missing_migrations_are_a_fault(shoal_alone: Shoal) -> None:
    cluster = Cluster(shoal_alone.home)
    cluster.open()
    cluster.close()
    found = findings(shoal_alone, 2)
    assert "shoal upgrade" in found["migrations"]["remedy"]


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


def test_what_a_watch_refused_is_told_until_it_is_taken_away(shoal: Shoal, db: Db, tmp_path: Path) -> None:
    source = tmp_path / "leg.zip"
    source.write_text("no zip")
    args = {"source": str(source), "options": {"watched": True}}
    job_id = enqueue(db, "import", "Import leg.zip", None, None, args)
    db.execute("update job set status = 'failed', ended_at = now(), error = 'No.' where id = %s", [job_id])
    db.commit()
    told = findings(shoal, 1)["jobs"]
    assert "as soon as it has changed" in told["remedy"]
    assert "Retry" not in told["remedy"]
    source.unlink()
    assert findings(shoal, 0)["jobs"]["level"] == "ok"


def test_a_home_that_cannot_be_is_one_fault(shoal: Shoal) -> None:
    found = findings(shoal, 2, SHOAL_HOME="/proc/nope")
    assert list(found) == ["SHOAL_HOME"]
    assert "cannot be made" in found["SHOAL_HOME"]["said"]


def test_images_that_nobody_will_embed_are_a_warning_until_a_job_waits(shoal: Shoal, db: Db) -> None:
    project = small_projects.make_project(db, 3)
    for table in ("embedding_failure", "image", "content"):  # whose files no store has
        db.execute(f"delete from {table}")
    db.commit()
    stopped = findings(shoal, 1)
    warnings = [finding for finding in stopped.values() if finding["level"] == "warning"]
    assert [warning["remedy"] for warning in warnings] == [f"Run `shoal embed {project.id}`."]
    enqueue(db, "embed", "Embed", project.id, None, {})
    db.commit()
    assert findings(shoal, 2)["vectors"]["level"] == "ok"
    db.execute("delete from job")
    db.execute("delete from object")
    db.commit()
    assert findings(shoal, 0)["vectors"]["level"] == "ok"


def test_a_remainder_between_the_first_and_last_objects_is_found_after_a_stopped_job(
    shoal: Shoal, db: Db, monkeypatch
) -> None:
    from app import doctor
    from app.settings import load_settings

    project = small_projects.make_project(db, 9)
    embedder_id = db.execute("insert into embedder (name, digest, dimension) values ('e', 'x', 2) returning id")
    embedder_id = embedder_id.fetchone().id
    db.execute("update project set embedder_id = %s where id = %s", [embedder_id, project.id])
    failed = [object_id for object_id in project.ids if object_id != project.ids[4]]
    db.execute(
        "insert into embedding_failure (embedder_id, project_id, object_id, reason)"
        " select %s, %s, unnest(%s::bigint[]), ''",
        [embedder_id, project.id, failed],
    )
    monkeypatch.setattr(doctor, "VECTORS_LOOKED_FOR", 2)
    levels = []
    for _ in range(2):
        levels += [finding.level for finding in doctor.look_at_vectors(load_settings(shoal.env), db)]
        job_id = enqueue(db, "embed", "Embed", project.id, None, {})
        cancel(db, job_id)
    assert levels == ["ok", "warning"]


def test_a_failure_that_was_put_right_is_no_warning(shoal: Shoal, db: Db) -> None:
    def ended(status: str, source: str) -> None:
        job_id = enqueue(db, "import", "Import", None, None, {"source": source, "was": status})
        db.execute("update job set status = %s, ended_at = now(), error = 'No.' where id = %s", [status, job_id])

    for status, source in (("failed", "/a"), ("failed", "/b"), ("done", "/a")):
        ended(status, source)
    db.commit()
    assert "failed" in findings(shoal, 1)["jobs"]["said"]
    assert shoal("doctor").stdout.count("Import) failed") == 1
    ended("done", "/b")
    db.commit()
    assert findings(shoal, 0)["jobs"]["level"] == "ok"


def test_files_that_the_store_lost_are_a_fault(shoal: Shoal, db: Db) -> None:
    small_projects.make_project(db, 3)
    db.execute("update content set thumbnail = 'packs/ab/abcd:0:10'")
    db.commit()
    assert "packs/ab/abcd" in findings(shoal, 2)["files"]["said"]
