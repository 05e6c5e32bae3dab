"""The columns that formulas name, in a real project."""

import pytest

from app.database import Db
from app.errors import Refused
from app.expressions import evaluate, parse
from app.expressions.columns import bind, read
from tests.small_projects import SmallProject, make_project


@pytest.fixture
def bay(db: Db) -> SmallProject:
    """Thirty objects in three samples; volumes of the samples, one of them missing; fractions of acquisitions."""
    made = make_project(db, 30)
    db.execute(
        """
        insert into field (project_id, level, name, type, position)
        values (%(p)s, 'sample', 'Tot_Vol', 'number', 1), (%(p)s, 'acquisition', 'sub_part', 'number', 1),
               (%(p)s, 'process', 'sub_part', 'number', 1), (%(p)s, 'process', 'pixel', 'number', 2)
        """,
        {"p": made.id},
    )
    db.execute("update sample set fields = fields || '{\"Tot_Vol\": \"40\"}' where orig_id <> 'sample1'")
    db.execute('update acquisition set fields = \'{"sub_part": "0.5"}\'')
    db.execute(
        """
        insert into process (acquisition_id, project_id, orig_id, fields)
        select id, project_id, orig_id, '{"pixel": "10"}'
        from acquisition
        """
    )
    return made


def values(project: SmallProject, text: str, level: str = "object", ids: list[int] | None = None) -> list[object]:
    expression = parse(text)
    bound = bind(project.db, project.id, expression, level)
    found, columns = read(project.db, project.id, bound, project.ids if ids is None else ids)
    said: list[object] = evaluate(expression, columns, len(found)).values.tolist()
    return said


def test_columns_of_all_levels_are_read_for_each_object(bay: SmallProject) -> None:
    found = values(bay, "area * process.pixel / acq.sub_part + sample.tot_vol + depth_min", ids=bay.ids[:2])
    assert found == [7 * 20 + 40 + 1, 14 % 13 * 20 + 40 + 2]


def test_each_row_comes_in_the_order_of_its_id(bay: SmallProject) -> None:
    assert values(bay, "object.id & ' ' & sample.station", ids=[bay.ids[12], bay.ids[1]]) == [
        "object2 st0", "object13 st1",
    ]  # fmt: skip


def test_a_column_without_a_level_is_of_the_rows_that_are_asked_for(bay: SmallProject) -> None:
    samples = [row.id for row in bay.db.execute("select id from sample order by id")]
    assert values(bay, "station & tot_vol", "sample", samples) == ["st040", None, "st240"]
    assert values(bay, "sub_part * sample.tot_vol", "acquisition", samples[:1]) == [20]


@pytest.mark.parametrize(
    ("text", "level", "says"),
    [
        ("obj.aera", "object", "no “aera” of objects. Did you mean object.area?"),
        (
            "ssm.volume",
            "object",
            "no column ssm.volume: the project has no “volume” of processes or acquisitions.",
        ),
        ("ssm.sub_part", "object", "may be the process's or the acquisition's"),
        ("object.area", "sample", "a sample has many of them"),
    ],
)
def test_a_column_that_is_not_there_is_told(bay: SmallProject, text: str, level: str, says: str) -> None:
    with pytest.raises(Refused) as refused:
        bind(bay.db, bay.id, parse(text), level)
    assert says in refused.value.sentence and refused.value.status == 422
