"""The mirror says what the tables say, after every kind of change."""

import numpy as np
import pytest

from app import database
from app.database import Db
from app.objects.filters import Filter
from app.search.mirror import Mirror, open_mirror
from tests.search.conftest import World, add_objects, label


def seen_in_sql(db: Db, project_id: int) -> list[tuple]:
    """Id, taxon, status and account of every object, as one sees them."""
    return [
        tuple(row)
        for row in db.execute(
            """
            select object.id,
                   coalesce(case when label.status <> 'U' then label.taxon_id end, prediction.taxon_id, 0) as taxon_id,
                   case when label.status <> 'U' then label.status
                        when prediction.object_id is not null then 'P'
                        else 'U' end as letter,
                   coalesce(case when label.status <> 'U' then label.account_id end, 0) as account_id
            from object
            join project on project.id = object.project_id
            left join label on label.project_id = object.project_id and label.object_id = object.id
            left join prediction on prediction.project_id = object.project_id
                                and prediction.run_id = project.current_run_id
                                and prediction.object_id = object.id
            where object.project_id = %s
            order by object.id
            """,
            [project_id],
        )
    ]


def rows(mirror: Mirror) -> list[tuple]:
    letters = [("U", "P", "D", "V")[code] for code in mirror.status]
    return list(zip(mirror.ids.tolist(), mirror.taxon.tolist(), letters, mirror.account.tolist(), strict=True))


def test_it_says_what_the_tables_say(db: Db, world: World) -> None:
    mirror = open_mirror(db, world.project_id)
    assert rows(mirror) == seen_in_sql(db, world.project_id)
    assert mirror.score[0] == pytest.approx(0.01) and np.isnan(mirror.score[-1])
    assert set(mirror.sample.tolist()) == {1, 2, 3, 4}


def test_it_follows_labels_of_other_connections(db: Db, world: World, database_url: str) -> None:
    before = open_mirror(db, world.project_id)
    with database.connect(database_url) as other:
        label(other, world, world.ids[:50], "V", world.taxa[3])
        other.commit()
        assert rows(open_mirror(db, world.project_id)) == seen_in_sql(db, world.project_id)
        label(other, world, world.ids[:20], "U", None)
    after = open_mirror(db, world.project_id)
    assert rows(after) == seen_in_sql(db, world.project_id)
    assert rows(before) != rows(after), "an older mirror keeps its own state"


def test_it_sees_a_transaction_that_commits_after_a_later_one(db: Db, world: World, database_url: str) -> None:
    with database.connect(database_url) as slow, database.connect(database_url) as quick:
        label(slow, world, world.ids[:10], "V", world.taxa[2])
        label(quick, world, world.ids[20:30], "V", world.taxa[3])
        quick.commit()
        open_mirror(db, world.project_id)
        db.commit()
        slow.commit()
    assert rows(open_mirror(db, world.project_id)) == seen_in_sql(db, world.project_id)


def test_it_sees_both_acts_of_a_transaction_while_others_commit(db: Db, world: World, database_url: str) -> None:
    open_mirror(db, world.project_id)
    db.commit()
    label(db, world, world.ids[:10], "V", world.taxa[2])
    with database.connect(database_url) as later:
        label(later, world, world.ids[20:30], "V", world.taxa[3])
    open_mirror(db, world.project_id)
    label(db, world, world.ids[10:20], "V", world.taxa[4])
    assert rows(open_mirror(db, world.project_id)) == seen_in_sql(db, world.project_id)
    db.commit()
    assert rows(open_mirror(db, world.project_id)) == seen_in_sql(db, world.project_id)


def test_it_sees_an_act_that_looked_at_it_first_while_others_commit(db: Db, world: World, database_url: str) -> None:
    db.execute("select from project where id = %s for no key update", [world.project_id])
    with database.connect(database_url) as later:
        label(later, world, world.ids[20:30], "V", world.taxa[3])
    open_mirror(db, world.project_id)
    label(db, world, world.ids[:10], "V", world.taxa[4])
    db.commit()
    assert rows(open_mirror(db, world.project_id)) == seen_in_sql(db, world.project_id)


def test_it_forgets_a_rolled_back_act_that_it_was_asked_of_twice(db: Db, world: World, database_url: str) -> None:
    label(db, world, world.ids[:10], "V", world.taxa[4])
    with database.connect(database_url) as later:
        label(later, world, world.ids[20:30], "V", world.taxa[3])
    open_mirror(db, world.project_id)
    open_mirror(db, world.project_id)
    db.rollback()
    assert rows(open_mirror(db, world.project_id)) == seen_in_sql(db, world.project_id)


def test_it_forgets_what_its_own_transaction_rolled_back(db: Db, world: World) -> None:
    open_mirror(db, world.project_id)
    db.commit()
    label(db, world, world.ids[:30], "V", world.taxa[4])
    assert rows(open_mirror(db, world.project_id)) == seen_in_sql(db, world.project_id)
    db.rollback()
    assert rows(open_mirror(db, world.project_id)) == seen_in_sql(db, world.project_id)


def test_a_first_copy_inside_an_act_forgets_it_when_it_is_rolled_back(db: Db, world: World) -> None:
    label(db, world, world.ids[:30], "V", world.taxa[4])
    assert rows(open_mirror(db, world.project_id)) == seen_in_sql(db, world.project_id)
    db.rollback()
    assert rows(open_mirror(db, world.project_id)) == seen_in_sql(db, world.project_id)


def test_new_objects_and_another_run_make_a_new_copy(db: Db, world: World) -> None:
    open_mirror(db, world.project_id)
    add_objects(db, world.project_id, [50, 5000])
    db.execute("update project set current_run_id = null, data_version = data_version + 1")
    mirror = open_mirror(db, world.project_id)
    assert len(mirror) == 1002 and mirror.ids[0] == 50
    assert rows(mirror) == seen_in_sql(db, world.project_id)


def test_an_empty_project_is_empty(db: Db) -> None:
    project_id = db.execute("insert into project (title) values ('New') returning id").fetchone().id
    mirror = open_mirror(db, project_id)
    assert len(mirror) == 0 and mirror.mask(db, Filter(statuses=frozenset("V"))).sum() == 0
    assert len(mirror.column(db, "object", "orig_id").codes) == 0


@pytest.mark.parametrize(
    ("filter", "condition"),
    [
        (Filter(), "true"),
        (Filter(statuses=frozenset("V")), "letter = 'V'"),
        (Filter(statuses=frozenset("UP")), "letter in ('U', 'P')"),
        (Filter(validated_only=True), "letter = 'V'"),
        (Filter(samples=frozenset({2, 4})), "sample_id in (2, 4)"),
        (Filter(accounts=frozenset({1})), "letter in ('V', 'D')"),
        (Filter(accounts=frozenset({77})), "false"),
        (Filter(taxa=frozenset({0})), "letter = 'U'"),
        (Filter(taxa=frozenset({999_999_999})), "false"),
        (Filter(ranges=(("object", "area", 200, 300),)), "id between 200 and 300"),
        (Filter(ranges=(("object", "esd", None, 100),)), "id %% 2 = 0 and id <= 200"),
        (Filter(ranges=(("object", "depth_min_m", 50, None),)), "id >= 500"),
        (Filter(ranges=(("sample", "volume", 20, 30),)), "sample_id in (2, 3)"),
        (Filter(texts=(("sample", "net", "=", "WP2"),)), "sample_id in (2, 4)"),
        (Filter(texts=(("acquisition", "orig_id", "=", "a3"),)), "acquisition_id = 3"),
        (Filter(texts=(("process", "orig_id", "~", ""),)), "false"),
        (Filter(texts=(("object", "remark", "~", "MARK 4"),)), "id %% 10 = 4"),
        (Filter(texts=(("object", "remark", "=", "remark 4"),)), "false"),
        (Filter(texts=(("object", "orig_id", "=", "o777"),)), "id = 777"),
        (Filter(statuses=frozenset("V"), samples=frozenset({3})), "letter = 'V' and sample_id = 3"),
    ],
)
def test_a_filter_keeps_what_sql_keeps(db: Db, world: World, filter: Filter, condition: str) -> None:
    mirror = open_mirror(db, world.project_id)
    seen = dict((row[0], row[2]) for row in seen_in_sql(db, world.project_id))
    kept = db.execute(
        f"""
        select id
        from object
        join unnest(%s::bigint[], %s::text[]) as seen (seen_id, letter) on seen_id = id
        where {condition}
        order by id
        """,
        [list(seen), list(seen.values())],
    ).fetchall()
    assert mirror.ids[mirror.mask(db, filter)].tolist() == [row.id for row in kept]


def test_texts_order_by_their_codes_and_missing_ones_have_none(db: Db, world: World) -> None:
    column = open_mirror(db, world.project_id).column(db, "object", "remark")
    assert column.values == [f"Remark {digit}" for digit in (0, 2, 4, 6, 8)]
    assert column.codes[:4].tolist() == [-1, 1, -1, 2]


def test_texts_of_any_script_are_found_whatever_their_case(db: Db, world: World) -> None:
    db.execute("update object_field set texts = array['Ångström ΔΕΛΤΑ'] where object_id = %s", [world.ids[0]])
    mirror = open_mirror(db, world.project_id)
    for text, n in (("ångSTRÖM", 1), ("δελτα", 1), ("remark", 500), ("zzz", 0), ("", 501)):
        assert mirror.mask(db, Filter(texts=(("object", "remark", "~", text),))).sum() == n


def test_a_text_is_found_that_grows_when_its_case_is_folded(db: Db, world: World) -> None:
    db.execute("update object_field set texts = array[%s] where object_id = %s", ["\u0390" * 20, world.ids[0]])
    mirror = open_mirror(db, world.project_id)
    for text, n in (("\u0390" * 20, 1), ("\u03b9", 1), ("remark 4", 100)):
        assert mirror.mask(db, Filter(texts=(("object", "remark", "~", text),))).sum() == n


def test_a_long_text_and_one_with_control_characters_are_found_too(db: Db, world: World) -> None:
    update = "update object_field set texts = array[%s] where object_id = %s"
    db.execute(update, ["Once " + "upon " * 500 + "A TIME", world.ids[0]])
    db.execute(update, ["odd\x1eand\x1fodder", world.ids[2]])
    mirror = open_mirror(db, world.project_id)
    for text, n in (("upon a time", 1), ("remark 4", 100), ("odd and odder", 1), ("", 502)):
        assert mirror.mask(db, Filter(texts=(("object", "remark", "~", text),))).sum() == n
    column = mirror.column(db, "object", "remark")
    assert column.values[0].startswith("Once") and column.codes[0] == 0 and column.codes[4] == -1
    assert column.text(4) is None and column.text(1) == "Remark 2"


def test_an_unknown_column_is_a_key_error(db: Db, world: World) -> None:
    with pytest.raises(KeyError):
        open_mirror(db, world.project_id).column(db, "object", "no such")
