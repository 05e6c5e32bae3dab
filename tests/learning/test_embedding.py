"""Vectors that a set lacks are made for it: of its sources' objects, and of images that are brought."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from app.database import Db
from app.errors import Forbidden, Refused
from app.jobs.context import Interrupted, JobContext
from app.learning import importing, job, loading, sets
from app.learning.choices import Choices
from app.search import embedders
from app.settings import Settings
from tests.learning.conftest import Seas
from tests.learning.test_routes import stored_images
from tests.search.test_embed import Counting, counting

__all__ = ["counting"]


def context(settings: Settings, seas: Seas, **args: object) -> JobContext:
    return JobContext(1, "learning", seas.bay.id, seas.ada.id, dict(args), settings, settings.database_url)


@pytest.fixture
def bare(db: Db, seas: Seas, settings: Settings, counting: Counting) -> Seas:
    """The same seas, whose bay has an embedder of images, and no vectors of it yet."""
    stored_images(db, settings)
    embedders.assign(db, settings, seas.bay.id, "counting")
    db.commit()
    return seas


def begin(seas: Seas, **more: object) -> int:
    choices = Choices(sources=(seas.bay.id, seas.gulf.id), **more)
    set_id = sets.begin(seas.db, seas.project(), seas.ada.id, "Both", choices)
    seas.db.commit()
    return set_id


def test_what_is_missing_is_embedded_of_the_chosen_only_and_stays_with_its_project(
    bare: Seas, settings: Settings, counting: Counting
) -> None:
    set_id = begin(bare, per_taxon=5, embed_missing=True)
    told = context(settings, bare, set_id=set_id)
    job.make(told, set_id)
    data = loading.load(bare.db, set_id, bare.project().embedder_id or 0)
    assert (len(data.numbers), data.n_without_vector) == (15, 0)
    assert counting.calls <= 15
    assert any(f"Project {bare.gulf.id}:" in line for line in told.lines)


def test_without_it_the_set_says_how_many_teach_nothing(bare: Seas, settings: Settings) -> None:
    set_id = begin(bare)
    job.make(context(settings, bare, set_id=set_id), set_id)
    data = loading.load(bare.db, set_id, bare.project().embedder_id or 0)
    assert (len(data.numbers), data.n_without_vector) == (0, 70)


def test_a_job_that_is_killed_goes_on_with_the_same_objects_and_freezes_nothing_before(
    bare: Seas, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_id = begin(bare, per_taxon=5, embed_missing=True)

    def killed(*args: object, **more: object) -> int:
        raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(job, "embed_project", killed)
        with pytest.raises(Interrupted):
            job.make(context(settings, bare, set_id=set_id), set_id)
    chosen = items(bare.db, set_id)
    assert len(chosen) == 15
    assert sets.find_begun(bare.db, set_id).frozen_at is None
    bare.bay.do(bare.ada, bare.bay.ids[:20], taxon="Calanoida")
    bare.db.commit()
    job.make(context(settings, bare, set_id=set_id), set_id)
    assert items(bare.db, set_id) == chosen
    assert sets.find_begun(bare.db, set_id).frozen_at is not None


def test_a_job_that_goes_on_asks_again_whether_its_sources_may_be_read(
    bare: Seas, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_id = begin(bare, embed_missing=True)

    def killed(*args: object, **more: object) -> int:
        raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(job, "embed_project", killed)
        with pytest.raises(Interrupted):
            job.make(context(settings, bare, set_id=set_id), set_id)
    bare.db.execute("delete from member where project_id = %s and account_id = %s", [bare.gulf.id, bare.ada.id])
    bare.db.commit()
    with pytest.raises(Forbidden, match=f"objects of project {bare.gulf.id}, which you may not read"):
        job.make(context(settings, bare, set_id=set_id), set_id)
    assert sets.find_begun(bare.db, set_id).frozen_at is None


def items(db: Db, set_id: int) -> list[tuple[int, int]]:
    rows = db.execute("select object_id, taxon_id from learning_item where set_id = %s order by number", [set_id])
    return [(row.object_id, row.taxon_id) for row in rows]


def test_a_zip_of_folders_is_embedded_here(bare: Seas, settings: Settings, counting: Counting) -> None:
    path = settings.home / "sorted.zip"
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as bundle:
        for k, name in enumerate(["Oithona similis/a.png", "Oithona similis/b.png", "deep/fiber__detritus/c.png"]):
            data = io.BytesIO()
            Image.new("L", (12, 16), 40 * k).save(data, "PNG")
            bundle.writestr(name, data.getvalue())
        bundle.writestr("Oithona similis/broken.png", b"no image")
        bundle.writestr("notes.txt", "nothing")
    set_id, _ = importing.ask(bare.db, bare.project(), bare.ada.id, "Sorted", path)
    bare.db.commit()
    told = context(settings, bare, set_id=set_id, upload=str(path))
    job.run(told)
    data = loading.load(bare.db, set_id, bare.project().embedder_id or 0)
    assert [bare.taxa[name] for name in ("Oithona similis", "Oithona similis", "fiber")] == data.taxa.tolist()
    assert np.allclose(np.linalg.norm(data.vectors, axis=1), 1, atol=1e-3)
    assert counting.calls == 3
    assert "1 image cannot be read." in told.lines


def test_vectors_of_an_embedder_that_is_not_known_here_are_refused_with_what_to_do(
    bare: Seas, settings: Settings
) -> None:
    import json

    import pyarrow as pa
    from pyarrow import parquet

    told = {"embedder": json.dumps({"name": "far-away", "digest": "none", "dimension": 2})}
    schema = pa.schema([("taxon", pa.string()), ("vector", pa.list_(pa.float32()))], metadata=told)
    path = settings.home / "far.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.table({"taxon": ["Oithona"], "vector": [[0.6, 0.8]]}, schema=schema), path)
    set_id, _ = importing.ask(bare.db, bare.project(), bare.ada.id, "Far", path)
    bare.db.commit()
    with pytest.raises(Refused, match="vectors are of far-away, which this server does not know"):
        job.run(context(settings, bare, set_id=set_id, upload=str(path)))
    assert sets.find_begun(bare.db, set_id).frozen_at is None
