"""Vectors made elsewhere find their objects by orig_id or by id, and stay an embedder of their own."""

from pathlib import Path

import numpy as np
import pytest

from app.database import Db
from app.errors import Refused
from app.jobs.context import JobContext
from app.search import embed, embedders
from app.settings import Settings
from tests.small_projects import make_project


def write(folder: Path, name: str, vectors: np.ndarray, ids: list[str]) -> Path:
    np.save(folder / f"{name}.npy", vectors)
    (folder / f"{name}.ids.txt").write_text("\n".join(ids))
    return folder / f"{name}.npy"


def job(settings: Settings, project_id: int, **args: object) -> JobContext:
    return JobContext(1, "embed", project_id, None, args, settings, settings.database_url)


def kept(db: Db, project_id: int) -> dict[int, np.ndarray]:
    rows = db.execute(
        """
        select v.object_id, v.v
        from object_vector v
        join project on project.id = v.project_id and project.embedder_id = v.embedder_id
        where project.id = %s
        """,
        [project_id],
    ).fetchall()
    db.commit()
    return {row.object_id: row.v.to_numpy().astype(np.float32) for row in rows}


def test_brought_vectors_reach_their_objects(db: Db, settings: Settings, tmp_path: Path) -> None:
    project = make_project(db, 10)
    db.commit()
    given = np.random.default_rng(1).normal(size=(9, 12)).astype(np.float32)
    path = write(tmp_path, "mine", given, [f"object{k}" for k in range(1, 9)] + ["stranger"])
    context = job(settings, project.id, vectors=str(path))
    embed.run(context)
    found = kept(db, project.id)
    assert found.keys() == set(project.ids[:8])
    unit = given / np.linalg.norm(given, axis=1, keepdims=True)
    assert all(np.allclose(found[i], v, atol=1e-3) for i, v in zip(project.ids[:8], unit, strict=False))
    assert context.lines[-1].startswith("1 of 9 ids are no objects of this project")
    row = embedders.of_project(db, project.id)
    assert (row.embeds_images, row.dimension) == (False, 12) and row.name.startswith("vectors:mine-")


def test_files_of_one_name_join(db: Db, settings: Settings, tmp_path: Path) -> None:
    project = make_project(db, 4)
    db.commit()
    for half in (0, 2):
        ids = [f"object{half + k}" for k in (1, 2)]
        path = write(tmp_path, f"part{half}", np.random.default_rng(half).normal(size=(2, 3)), ids)
        embed.run(job(settings, project.id, vectors=str(path), name="mine"))
    assert kept(db, project.id).keys() == set(project.ids)
    assert embedders.of_project(db, project.id).name == "vectors:mine"


def test_a_file_that_fits_no_object_changes_nothing(db: Db, settings: Settings, tmp_path: Path) -> None:
    project = make_project(db, 3)
    db.commit()
    path = write(tmp_path, "other", np.ones((2, 3)), ["a", "b"])
    with pytest.raises(Refused, match="None of the 2 ids"):
        embed.run(job(settings, project.id, vectors=str(path)))
    assert embedders.of_project(db, project.id) is None
    with pytest.raises(Refused, match="There is no file of vectors"):
        embed.run(job(settings, project.id, vectors=str(tmp_path / "gone.npy")))


def test_embedding_again_leaves_brought_vectors_alone(db: Db, settings: Settings, tmp_path: Path) -> None:
    project = make_project(db, 2)
    db.commit()
    embed.run(job(settings, project.id, vectors=str(write(tmp_path, "one", np.eye(1, 3), ["object1"]))))
    context = job(settings, project.id)
    embed.run(context)
    assert "were made elsewhere" in context.lines[-1] and len(kept(db, project.id)) == 1
    embed.run(job(settings, project.id, embedder="lite0-128"))
    assert embedders.of_project(db, project.id).name == "lite0-128"
    db.commit()
    (tmp_path / "one.npy").unlink()
    [name] = db.execute("select name from embedder where not embeds_images").fetchone()
    embed.run(job(settings, project.id, embedder=name))
    assert len(kept(db, project.id)) == 1


def test_a_file_that_is_no_array_is_told_without_unsafe_advice(db: Db, settings: Settings, tmp_path: Path) -> None:
    project = make_project(db, 1)
    db.commit()
    (tmp_path / "bad.npy").write_bytes(b"no array")
    with pytest.raises(Refused, match="Save the vectors with numpy") as refused:
        embed.run(job(settings, project.id, vectors=str(tmp_path / "bad.npy")))
    assert "pickle" not in refused.value.sentence
