"""A laboratory with images, labels and vectors to keep, and homes with a database of their own to bring it back to."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from psycopg import sql

from app import database
from app.database import Db
from app.database.launcher import Cluster
from app.settings import Settings, load_settings
from tests.conftest import quick_folder
from tests.exchange.conftest import Workplace, picture
from tests.search.conftest import add_vectors, make_embedder, unit_vectors

N_PICTURES = 30
DIMENSION = 16


def unheard(part: str, done: int, total: int) -> None:
    """Nobody watches."""


@pytest.fixture
def laboratory(db: Db, settings: Settings, tmp_path: Path) -> Workplace:
    """30 images in two taxa, validated by folder, with vectors, one doubted; one image is a file of its own."""
    source = tmp_path / "pictures"
    for number in range(N_PICTURES):
        folder = source / ("Copepoda" if number % 3 else "detritus")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:02}.png").write_bytes(picture(number))
    noise = np.random.default_rng(1).integers(0, 256, (700, 700), dtype=np.uint8)
    (source / "Copepoda" / "large.bmp").write_bytes(_bitmap(noise))
    made = Workplace(db, settings)
    report = made.bring_in(source, taxa_from_folders=True, create_taxa=True)
    assert report.status == "done", report.lines()
    embedder_id = make_embedder(db, DIMENSION)
    db.execute("update project set embedder_id = %s", [embedder_id])
    ids = made.values("select id from object order by id")
    add_vectors(db, embedder_id, made.project_id, ids, unit_vectors(len(ids), DIMENSION))
    db.commit()
    return made


def _bitmap(pixels: np.ndarray) -> bytes:
    import io

    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "BMP")
    return out.getvalue()


@pytest.fixture
def new_home() -> Iterator[Callable[[], Settings]]:
    """Makes settings of a home that is empty, with a database of its own, stopped in the end."""
    made: list[Path] = []

    def make() -> Settings:
        folder = Path(tempfile.mkdtemp(prefix="shoal-keep-", dir=quick_folder()))
        folder.chmod(0o711)
        made.append(folder)
        return load_settings({"SHOAL_HOME": str(folder / "home")})

    yield make
    for folder in made:
        cluster = Cluster(folder / "home")
        cluster.close()
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


def contents(url: str, *left_out: str) -> dict[str, list[Any]]:
    """Every row of every table, without the numbers of transactions."""
    with database.connect(url) as db:
        names = [
            row.relname
            for row in db.execute(
                """
                select relname
                from pg_class
                where relnamespace = 'public'::regnamespace
                  and relkind in ('r', 'p')
                  and relpersistence = 'p'
                  and not relispartition
                """
            )
        ]
        query = "select (to_jsonb(t) - array['tx', 'since', 'horizon'])::text as row from {} t order by 1"
        return {
            name: [row.row for row in db.execute(sql.SQL(query).format(sql.Identifier(name)))]
            for name in sorted(set(names) - set(left_out))
        }
