"""A burnt-in footer is proposed; accepted, it is kept out of the vectors, and vectors of two kinds never meet."""

import hashlib
import io
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from app.database import Db
from app.errors import Conflict, Refused
from app.jobs.context import JobContext
from app.jobs.queue import enqueue
from app.objects.store import open_store
from app.search import embed, embedders, query_image, strips, strips_job
from app.settings import Settings
from indexer.embedders import Embedder
from indexer.embedders.cropping import to_png
from tests.footers import scene, with_footer
from tests.small_projects import SmallProject, make_project


class Brightness(Embedder):
    """Tells an image's size and the mean of its last row: what a footer changes."""

    spec = name = "brightness"
    digest = "1" * 64
    dimension = 8
    batch_size = 8

    def __init__(self) -> None:
        self.calls = 0

    def prepare(self, images: list[Image.Image]) -> np.ndarray:
        rows = [[1.0, image.width, image.height, np.asarray(image.convert("L"))[-1].mean()] for image in images]
        return np.pad(np.array(rows, np.float32), ((0, 0), (0, 4)))

    def embed(self, batch: np.ndarray) -> np.ndarray:
        self.calls += len(batch)
        return batch / np.linalg.norm(batch, axis=1, keepdims=True)


@pytest.fixture
def brightness(monkeypatch: pytest.MonkeyPatch) -> Iterator[Brightness]:
    embedder = Brightness()
    monkeypatch.setattr(embedders, "open_embedder", lambda settings, spec: embedder)
    yield embedder


def as_png(image: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(image).save(out, "PNG")
    return out.getvalue()


def pictures(n: int, seed: int = 1) -> tuple[list[bytes], list[bytes]]:
    """Images of which every second one has a footer, and the same ones without."""
    chance = np.random.default_rng(seed)
    plain = [scene(chance) for _ in range(n)]
    return [as_png(with_footer(image) if k % 2 else image) for k, image in enumerate(plain)], [as_png(p) for p in plain]


def fill(db: Db, settings: Settings, datas: list[bytes], title: str = "Bay") -> SmallProject:
    """A project with one object an image."""
    project = make_project(db, len(datas), title)
    writer = open_store(settings).pack_writer()
    db.execute("delete from image where project_id = %s", [project.id])
    for object_id, data in zip(project.ids, datas, strict=True):
        hash = hashlib.sha256(data).digest()
        size = Image.open(io.BytesIO(data)).size
        db.execute(
            "insert into content values (%s, 1, 'PNG', 'L', %s, %s, %s, '') on conflict do nothing",
            [hash, *size, writer.add(data)],
        )
        db.execute("insert into image values (%s, %s, 0, %s, %s)", [project.id, object_id, hash, f"{object_id}.png"])
    writer.finish()
    db.commit()
    return project


def job(settings: Settings, project: SmallProject, db: Db, kind: str) -> JobContext:
    job_id = enqueue(db, kind, kind, project.id, None, {})
    db.commit()
    return JobContext(job_id, kind, project.id, None, {}, settings, settings.database_url)


def run_embed(settings: Settings, project: SmallProject, db: Db) -> JobContext:
    context = job(settings, project, db, "embed")
    embed.run(context)
    return context


def look(settings: Settings, project: SmallProject, db: Db) -> list[strips.KnownStrip]:
    strips_job.run(job(settings, project, db, "strips"))
    return strips.read_all(db, project.id)


def accept(db: Db, project: SmallProject, strip_id: int, size_px: int | None = None) -> int | None:
    job_id = strips.decide(db, project.id, strip_id, "accepted", None, size_px)
    db.commit()
    return job_id


def used(db: Db, project: SmallProject) -> list[np.ndarray]:
    """The vectors that the project's likeness goes by, in the order of its objects."""
    rows = db.execute(
        """
        select v
        from object_vector
        join project on project.id = project_id and project.embedder_id = object_vector.embedder_id
        where project_id = %s
        order by object_id
        """,
        [project.id],
    ).fetchall()
    db.commit()
    return [row.v.to_numpy().astype(np.float32) for row in rows]


def vectors_of(datas: list[bytes]) -> np.ndarray:
    embedder = Brightness()
    return embedder.embed(embedder.prepare([Image.open(io.BytesIO(data)) for data in datas]))


def test_a_strip_is_proposed_with_its_share_and_examples(db: Db, settings: Settings) -> None:
    project = fill(db, settings, pictures(40)[0])

    (strip,) = look(settings, project, db)

    assert (strip.state, strip.side, strip.size_px, strip.n_looked) == ("proposed", "bottom", 31, 40)
    assert strip.share == pytest.approx(0.5)
    (examples,) = [row.examples for row in db.execute("select examples from strip")]
    assert [example["has"] for example in examples].count(True) == strips_job.SHOWN_WITH


def test_what_was_refused_is_not_proposed_again(db: Db, settings: Settings) -> None:
    project = fill(db, settings, pictures(40)[0])
    (strip,) = look(settings, project, db)
    strips.decide(db, project.id, strip.id, "refused", None)

    assert [(one.id, one.state) for one in look(settings, project, db)] == [(strip.id, "refused")]


def test_where_there_is_none_nothing_is_proposed(db: Db, settings: Settings) -> None:
    project = fill(db, settings, pictures(40)[1])

    assert look(settings, project, db) == []


def test_an_accepted_strip_is_no_part_of_the_vectors(db: Db, settings: Settings, brightness: Brightness) -> None:
    footed, plain = pictures(40)
    project = fill(db, settings, footed)
    run_embed(settings, project, db)
    assert np.allclose(used(db, project), vectors_of(footed), atol=2e-3)
    (strip,) = look(settings, project, db)

    job_id = accept(db, project, strip.id)
    before = used(db, project)
    run_embed(settings, project, db)

    assert job_id is not None
    assert np.allclose(before, vectors_of(footed), atol=2e-3)
    assert np.allclose(used(db, project), vectors_of(plain), atol=2e-3)
    assert strips.is_in_force(db, project.id)


def test_the_present_vectors_serve_until_all_new_ones_are_there(
    db: Db, settings: Settings, brightness: Brightness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed half-way, and taken up again: never a mix."""
    footed, plain = pictures(40)
    project = fill(db, settings, footed)
    run_embed(settings, project, db)
    (strip,) = look(settings, project, db)
    accept(db, project, strip.id)
    monkeypatch.setattr(embed, "WRITE_EVERY_S", 0.0)
    monkeypatch.setattr(embed, "OBJECTS_A_TURN", 8)
    whole = Brightness.embed

    def dies(self: Brightness, batch: np.ndarray) -> np.ndarray:
        if self.calls > 60:
            raise KeyboardInterrupt
        return whole(self, batch)

    monkeypatch.setattr(Brightness, "embed", dies)
    with pytest.raises(KeyboardInterrupt):
        run_embed(settings, project, db)
    half_way = used(db, project)
    in_force = strips.is_in_force(db, project.id)
    monkeypatch.setattr(Brightness, "embed", whole)
    run_embed(settings, project, db)

    assert np.allclose(half_way, vectors_of(footed), atol=2e-3)
    assert not in_force
    assert np.allclose(used(db, project), vectors_of(plain), atol=2e-3)
    assert brightness.calls < 40 + 40 + 8


def test_images_that_come_later_lose_their_footer_too(db: Db, settings: Settings, brightness: Brightness) -> None:
    project = fill(db, settings, pictures(40)[0])
    (strip,) = look(settings, project, db)
    accept(db, project, strip.id)
    run_embed(settings, project, db)
    footed, plain = pictures(2, seed=8)
    store = open_store(settings)
    writer = store.pack_writer()
    hash = hashlib.sha256(footed[1]).digest()
    db.execute("insert into content values (%s, 1, 'PNG', 'L', 1, 1, %s, '')", [hash, writer.add(footed[1])])
    writer.finish()
    db.execute(
        """
        insert into object (id, project_id, sample_id, acquisition_id, orig_id)
        select nextval('object_id_seq'), project_id, sample_id, acquisition_id, 'late'
        from object
        where project_id = %s
        limit 1
        """,
        [project.id],
    )
    db.execute("insert into image select project_id, id, 0, %s, 'late.png' from object where orig_id = 'late'", [hash])
    db.commit()

    run_embed(settings, project, db)

    assert np.allclose(used(db, project)[-1], vectors_of([plain[1]])[0], atol=2e-3)


def test_an_image_searched_by_is_cropped_as_the_project(db: Db, settings: Settings, brightness: Brightness) -> None:
    footed, plain = pictures(40)
    project = fill(db, settings, footed)
    (strip,) = look(settings, project, db)
    accept(db, project, strip.id)
    run_embed(settings, project, db)
    asked = db.execute("select id, embedder_id from project where id = %s", [project.id]).fetchone()

    with_it = query_image.query_vector_of(db, asked, settings, settings.database_url, footed[1])
    without = query_image.query_vector_of(db, asked, settings, settings.database_url, plain[1])

    assert np.allclose(with_it, without)


def test_the_same_content_is_copied_only_between_projects_that_crop_alike(
    db: Db, settings: Settings, brightness: Brightness
) -> None:
    footed, plain = pictures(40)
    cropped, whole = fill(db, settings, footed), fill(db, settings, footed, "Whole")
    (strip,) = look(settings, cropped, db)
    accept(db, cropped, strip.id)
    run_embed(settings, cropped, db)

    run_embed(settings, whole, db)
    calls = brightness.calls
    third = fill(db, settings, footed, "Third")
    db.execute(
        """
        insert into strip (project_id, state, side, size_px, align, pixels)
        select %s, state, side, size_px, align, pixels
        from strip
        """,
        [third.id],
    )
    run_embed(settings, third, db)

    assert np.allclose(used(db, whole), vectors_of(footed), atol=2e-3)
    assert calls == 80
    assert np.allclose(used(db, third), vectors_of(plain), atol=2e-3)
    assert brightness.calls == 80


def test_a_strip_that_is_no_longer_cut_off_gives_the_former_vectors_back_at_once(
    db: Db, settings: Settings, brightness: Brightness
) -> None:
    footed, _ = pictures(40)
    project = fill(db, settings, footed)
    run_embed(settings, project, db)
    (strip,) = look(settings, project, db)
    accept(db, project, strip.id)
    run_embed(settings, project, db)

    strips.remove(db, project.id, strip.id, None)
    db.commit()
    run_embed(settings, project, db)

    assert np.allclose(used(db, project), vectors_of(footed), atol=2e-3)
    assert brightness.calls == 80
    assert db.execute("select count(*) from object_vector where project_id = %s", [project.id]).fetchone()[0] == 40


def test_an_answer_that_changes_while_vectors_are_computed_is_followed(
    db: Db, settings: Settings, brightness: Brightness, monkeypatch: pytest.MonkeyPatch
) -> None:
    footed, _ = pictures(40)
    project = fill(db, settings, footed)
    run_embed(settings, project, db)
    (strip,) = look(settings, project, db)
    accept(db, project, strip.id)
    whole = Brightness.embed

    def changes(self: Brightness, batch: np.ndarray) -> np.ndarray:
        if self.calls == 40:
            accept(db, project, strip.id, 40)
        return whole(self, batch)

    monkeypatch.setattr(Brightness, "embed", changes)
    run_embed(settings, project, db)

    row = db.execute(
        """
        select config->'strips'->0->>'size_px' as size
        from project
        join embedder on embedder.id = embedder_id
        where project.id = %s
        """,
        [project.id],
    ).fetchone()
    assert row.size == "40"
    kept = db.execute("select count(distinct embedder_id) as kinds, count(*) as n from object_vector").fetchone()
    assert tuple(kept) == (2, 80), "those of whole images, and those in use"


def test_another_strip_of_the_same_side_and_size_is_not_in_force(
    db: Db, settings: Settings, brightness: Brightness
) -> None:
    footed, _ = pictures(40)
    project = fill(db, settings, footed)
    (strip,) = look(settings, project, db)
    accept(db, project, strip.id)
    run_embed(settings, project, db)
    before = strips.is_in_force(db, project.id)
    seen = strips.pixels_of(db, project.id)[strip.id]
    other = to_png(replace(seen, grey=255 - seen.grey))
    db.execute("update strip set pixels = %s where id = %s", [other, strip.id])

    assert (before, strips.is_in_force(db, project.id)) == (True, False)


def test_vectors_are_let_go_in_pieces(
    db: Db, settings: Settings, brightness: Brightness, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces, forget = [], strips._forget_some
    monkeypatch.setattr(strips, "FORGOTTEN_AT_ONCE", 7)
    monkeypatch.setattr(strips, "_forget_some", lambda *of: pieces.append(forget(*of)) or pieces[-1])
    footed, _ = pictures(20)
    project = fill(db, settings, footed)
    (_, job_id) = strips.define(db, project.id, "bottom", 10, None)
    db.commit()
    run_embed(settings, project, db)
    first = db.execute("select embedder_id from project where id = %s", [project.id]).fetchone().embedder_id
    db.execute("update strip set size_px = 12 where project_id = %s", [project.id])
    db.commit()
    run_embed(settings, project, db)

    assert job_id is not None
    left = db.execute("select count(*) from object_vector where embedder_id = %s", [first]).fetchone()[0]
    assert (left, len(used(db, project))) == (0, 20)
    assert pieces == [7, 7, 6, 0]


def test_a_person_names_a_strip_of_all_images(db: Db, settings: Settings, brightness: Brightness) -> None:
    _, plain = pictures(10)
    project = fill(db, settings, plain)
    run_embed(settings, project, db)

    strips.define(db, project.id, "top", 12, None)
    db.commit()
    run_embed(settings, project, db)

    heights = [Image.open(io.BytesIO(data)).height - 12 for data in plain]
    got = np.array(used(db, project))
    assert np.allclose(got[:, 2] / got[:, 0], heights, rtol=2e-2)
    with pytest.raises(Conflict, match="cut off already"):
        strips.define(db, project.id, "top", 9, None)


@pytest.mark.parametrize(("side", "size"), [("bottom", 0), ("bottom", 5000), ("middle", 10)])
def test_a_senseless_strip_is_refused_with_a_reason(db: Db, side: str, size: int) -> None:
    project = make_project(db, 1)

    with pytest.raises(Refused, match=r"strip is 1 to|side is"):
        strips.define(db, project.id, side, size, None)
    assert strips.read_all(db, project.id) == []
