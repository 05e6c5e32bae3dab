"""Pages of a board: complete under every filter and order, without a skip or a repeat while people label."""

import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest

from app.database import Db
from app.errors import Refused
from app.labels import runs
from app.objects.board import Page, page
from app.objects.fields import project_fields
from app.objects.filters import Filter, read_filter
from app.objects.orders import Order, read_order
from app.projects.access import Project
from tests.small_projects import Person, SmallProject, make_project, predict

LIMIT = 7
EVERYTHING, BY_ID = Filter(), Order()


def order_of(db: Db, project: Project, query: str) -> Order:
    return read_order(project_fields(db, project.id), [tuple(pair.split("=", 1)) for pair in query.split("&") if pair])


def scroll(
    db: Db,
    project: Project,
    filter: Filter = EVERYTHING,
    order: Order = BY_ID,
    between: Callable[[int, Page], None] = lambda n, shown: None,
) -> list[int]:
    """Ids of all pages to the end."""
    ids: list[int] = []
    cursor = None
    for n in itertools.count():
        shown = page(db, project, filter, order, cursor, LIMIT)
        ids += [tile["id"] for tile in shown.tiles]
        cursor = shown.next_cursor
        if cursor is None:
            return ids
        between(n, shown)
    return ids


def expected_order(small: SmallProject, column: str, direction: str) -> list[int]:
    """What SQL says: missing values last in both directions, ids as the direction goes, ascending among the missing."""
    value = {"area": "nullif(numbers[1], 'NaN')", "note": "texts[1]", "depth_min_m": "object.depth_min_m"}[column]
    rows = small.db.execute(
        f"""
        select id
          from object
          join object_field on object_field.project_id = object.project_id and object_id = id
         where object.project_id = %s
         order by {value} is null, {value} {direction}, case when {value} is null then id end, id {direction}
        """,
        [small.id],
    )
    return [row.id for row in rows]


@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.parametrize("column", ["area", "note", "depth_min_m"])
def test_every_column_orders_in_both_directions_with_missing_values_last(
    db: Db, small: SmallProject, seen: Project, column: str, direction: str
) -> None:
    order = order_of(db, seen, f"order=f.{column}&dir={direction}")
    assert scroll(db, seen, order=order) == expected_order(small, column, direction)


@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_the_order_by_id_goes_both_ways(db: Db, small: SmallProject, seen: Project, direction: str) -> None:
    ids = scroll(db, seen, order=Order(direction=direction))
    assert ids == sorted(small.ids, reverse=direction == "desc")


def test_scores_order_with_unscored_objects_last(db: Db, small: SmallProject, seen: Project) -> None:
    run_id = predict(small, dict.fromkeys(small.ids[:5], "Oithona"))
    db.execute("update prediction set score = object_id %% 3 where run_id = %s", [run_id])
    runs.publish(db, small, run_id)
    ids = scroll(db, seen, order=Order("score", "desc"))
    assert ids[:5] == sorted(small.ids[:5], key=lambda i: (-(i % 3), -i))
    assert ids[5:] == small.ids[5:]


@pytest.mark.parametrize("query", ["order=id", "order=f.area&dir=desc", "order=f.note", "order=f.note&dir=desc"])
def test_scrolling_never_skips_or_repeats_while_labels_change(
    db: Db, small: SmallProject, seen: Project, ada: Person, query: str
) -> None:
    """Objects leave the filter between pages, before and after the cursor; all others are shown once."""
    left: set[int] = set()

    def label_some(n: int, shown: Page) -> None:
        on_page = [tile["id"] for tile in shown.tiles]
        ahead = [i for i in small.ids if i not in left][-(n + 1) :]
        chosen = list(dict.fromkeys([on_page[0], *ahead]))
        small.do(ada, chosen, taxon="Oithona")
        left.update(chosen)

    filter = Filter(statuses=frozenset("U"))
    ids = scroll(db, seen, filter, order_of(db, seen, query), label_some)
    assert len(ids) == len(set(ids))
    assert set(ids) >= set(small.ids) - left


def test_objects_added_between_pages_do_not_disturb_an_order_by_text(
    db: Db, small: SmallProject, seen: Project
) -> None:
    """A new text shifts every code behind it; the cursor holds the text itself."""
    order = order_of(db, seen, "order=f.note")
    wanted = expected_order(small, "note", "asc")

    def add_text(n: int, shown: Page) -> None:
        db.execute("update object_field set texts[1] = 'aaa' where object_id = %s", [wanted[0]])
        db.execute("update project set data_version = data_version + 1 where id = %s", [small.id])

    assert scroll(db, seen, order=order, between=add_text) == wanted


def test_what_the_memory_has_not_heard_of_is_checked_in_the_tables_and_refilled(
    db: Db, small: SmallProject, seen: Project, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.objects import board

    stale = board.open_mirror(db, small.id)
    small.do(ada, small.ids[:10], taxon="Oithona")
    monkeypatch.setattr(board, "open_mirror", lambda db, project_id: stale)
    shown = page(db, seen, Filter(statuses=frozenset("U")), Order(), None, LIMIT)
    assert [tile["id"] for tile in shown.tiles] == small.ids[10 : 10 + LIMIT]


def test_only_validated_objects_are_shown_where_only_these_may_be(
    db: Db, small: SmallProject, seen: Project, ada: Person
) -> None:
    small.do(ada, small.ids[:3], taxon="Oithona")
    small.do(ada, small.ids[3:5], taxon="Oithona", status="D")
    filter = read_filter(db, small.id, [("status", "U"), ("status", "V")], validated_only=True)
    assert scroll(db, replace(seen, validated_only=True), filter) == small.ids[:3]


@pytest.mark.parametrize("cursor", ["", "x", "%%%", "bnVsbA", "W10", "WzEsMl0", "WyJhIiwxXQ", "W251bGwsMWUzXQ", "é"])
def test_a_cursor_that_somebody_made_up_is_refused_or_obeyed_but_never_a_fault(
    db: Db, small: SmallProject, seen: Project, cursor: str
) -> None:
    for query in ("order=id", "order=f.area", "order=f.note"):
        try:
            page(db, seen, Filter(), order_of(db, seen, query), cursor, LIMIT)
        except Refused as refused:
            assert "Start from its beginning" in refused.sentence


def test_a_tile_says_what_the_page_needs(db: Db, small: SmallProject, seen: Project, ada: Person) -> None:
    small.do(ada, small.ids[:1], taxon="Oithona similis")
    db.execute("insert into comment (project_id, object_id, text) values (%s, %s, 'odd')", [small.id, small.ids[0]])
    db.execute(
        "insert into image select project_id, object_id, 1, hash, 'b.png' from image where object_id = %s",
        [small.ids[0]],
    )
    tile = page(db, seen, Filter(), Order(), None, 1).tiles[0]
    assert (tile["taxon"], tile["taxon_italic"], tile["status"], tile["state"]) == ("Oithona similis", True, "V", "1.0")
    assert (tile["n_images"], tile["n_comments"], tile["image_width_px"]) == (2, 1, 200)
    assert (tile["width"], tile["height"], tile["shrink"], tile["scale_bar"]) == (128, 64, 1.0, None)
    assert tile["thumb_url"] == f"/projects/{small.id}/thumbnails/{tile['hash']}"


def test_objects_without_an_image_are_shown_all_the_same(db: Db, small: SmallProject, seen: Project) -> None:
    db.execute("delete from image where object_id = %s", [small.ids[0]])
    tile = page(db, seen, Filter(), Order(), None, 1).tiles[0]
    assert (tile["id"], tile["hash"], tile["n_images"]) == (small.ids[0], None, 0)


def test_an_empty_project_has_an_empty_page(db: Db, seen: Project) -> None:
    empty = make_project(db, 0, "Empty")
    shown = page(db, replace(seen, id=empty.id), Filter(), Order())
    assert (shown.tiles, shown.next_cursor, shown.n_total) == ([], None, 0)
