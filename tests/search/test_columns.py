"""Columns are kept within bounds: what is asked for is always had, what is derived goes before what is read."""

import numpy as np
import pytest

from app.database import Db
from app.objects.filters import Filter
from app.objects.orders import Order
from app.objects.sorting import sorted_by
from app.search.columns import ColumnCache
from app.search.mirror import open_mirror
from tests.search.conftest import World


@pytest.mark.parametrize("name", ["day", "second", "shallowest", "deepest"])
def test_a_column_is_had_however_short_memory_is(db: Db, world: World, name: str) -> None:
    mirror = open_mirror(db, world.project_id)
    cache = ColumnCache(world.project_id, limit_bytes=0)
    for _ in range(2):
        assert np.array_equal(cache.head(db, mirror.ids, name), mirror.head(db, name), equal_nan=True)
    assert list(cache.columns) == [("", name)]


def test_masks_and_orders_go_before_columns(db: Db, world: World) -> None:
    mirror = open_mirror(db, world.project_id)
    cache = mirror.columns
    mirror.head(db, "sun")
    mirror.mask(db, Filter(samples=frozenset({2})))
    sorted_by(db, mirror, Order("when"))
    assert all(kept.nbytes > 0 for kept in (cache.masks.whole, cache.masks.packed, cache.orders))
    cache.limit_bytes = sum(column.nbytes for column in cache.columns.values()) + 8 * len(mirror)

    mirror.head(db, "acquisition")

    assert set(cache.columns) == {("", "sun"), ("", "acquisition")}
    assert not any(kept.values for kept in (cache.masks.whole, cache.masks.packed, cache.orders))


def test_what_is_known_of_people_and_counts_takes_memory_too(db: Db, world: World) -> None:
    cache = ColumnCache(world.project_id, limit_bytes=0)
    cache.masks.ever.put(1, ("1:1:", np.zeros(125, np.uint8)))
    cache.tallies.put("all", {(1, "V"): 10})
    assert cache.n_bytes > 125
