"""True sizes: bars of 1, 2 and 5, and one scale for all tiles of a project."""

import json
from dataclasses import replace

import pytest

from app.database import Db
from app.objects.board import page
from app.objects.filters import Filter
from app.objects.orders import Order
from app.objects.scale import length_words, pixel_size, scale_bar, tile_size
from app.projects.access import Project
from tests.small_projects import SmallProject


@pytest.mark.parametrize(
    ("width", "um_per_px", "px", "label"),
    [(128, 10.0, 50.0, "500 µm"), (128, 20.0, 50.0, "1 mm"), (100, 1.0, 50.0, "50 µm"), (128, 0.02, 50.0, "1 µm"),
     (128, 0.001, 50.0, "50 nm"), (10, 10.0, 10.0, "100 µm"), (128, 100_000.0, 50.0, "5000 mm")],
)  # fmt: skip
def test_a_bar_is_the_longest_round_length_in_half_a_tile(width: int, um_per_px: float, px: float, label: str) -> None:
    assert scale_bar(width, um_per_px) == {"px": px, "label": label}


def test_where_the_pixel_size_is_unknown_there_is_no_bar() -> None:
    assert scale_bar(100, None) is None


def test_lengths_are_said_in_the_unit_that_keeps_figures_few() -> None:
    assert [length_words(um) for um in (0.5, 200, 1000, 20_000_000)] == ["500 nm", "200 µm", "1 mm", "20 m"]


def test_tiles_keep_their_proportions_at_one_scale_and_say_when_they_are_shrunk() -> None:
    assert tile_size(200, 100, 2.0) == (100, 50, 1.0)
    assert tile_size(512, 256, 2.0) == (128, 64, 2.0)
    assert tile_size(8, 8, 8 / 128) == (128, 128, 1.0)
    assert tile_size(2, 2, 2.0) == (24, 24, 1.0)


def add_field(db: Db, small: SmallProject, level: str, name: str, value: object) -> None:
    db.execute(
        "insert into field (project_id, level, name, type, position) values (%s, %s, %s, 'text', 1)",
        [small.id, level, name],
    )
    if level == "acquisition":
        db.execute("update acquisition set fields = %s where project_id = %s", [json.dumps({name: value}), small.id])
    else:
        db.execute(
            "insert into process (acquisition_id, project_id, orig_id, fields) select id, project_id, '', %s "
            "from acquisition where project_id = %s",
            [json.dumps({name: value}), small.id],
        )


def bar(db: Db, project: Project) -> object:
    return page(db, project, Filter(), Order(), None, 1).tiles[0]["scale_bar"]


def test_the_projects_pixel_size_gives_every_tile_its_bar(db: Db, seen: Project) -> None:
    # 200 px wide images on tiles of 128 px: 10 µm a pixel is 15.6 µm on the tile.
    assert bar(db, replace(seen, pixel_size_um=10.0)) == {"px": 64.0, "label": "1 mm"}


def test_a_column_that_names_its_unit_is_obeyed(db: Db, small: SmallProject, seen: Project) -> None:
    add_field(db, small, "process", "particle_pixel_size_mm", "0.01")
    assert bar(db, seen) == {"px": 64.0, "label": "1 mm"}


def test_a_column_without_a_unit_counts_only_where_a_manager_said_its_unit(
    db: Db, small: SmallProject, seen: Project
) -> None:
    add_field(db, small, "process", "pixel", "10")
    assert bar(db, seen) is None
    said = replace(seen, settings={"pixel_field": "process.pixel", "pixel_unit": "um"})
    assert bar(db, said) == {"px": 64.0, "label": "1 mm"}


@pytest.mark.parametrize("value", ["", "abc", "nan", "-1", "0", "inf", None])
def test_a_value_that_is_no_size_gives_no_bar(db: Db, small: SmallProject, seen: Project, value: object) -> None:
    add_field(db, small, "acquisition", "pixel_um", value)
    assert pixel_size(db, seen).name == "pixel_um"
    assert bar(db, seen) is None
