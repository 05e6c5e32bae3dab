"""A project whose objects differ in everything that a filter can ask for, and the same filters in plain Python."""

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import uuid4

from app.batches.piles import make_pile
from app.database import Db
from tests.small_projects import Person, SmallProject, make_person, make_project

INSTRUMENTS = ("zooscan", "UVP6", "")
FIRST_LABEL = datetime(2026, 5, 1, tzinfo=UTC)


def make_varied(db: Db, n: int = 120, seed: int = 1) -> tuple[SmallProject, list[Person]]:
    """Objects with random heads, labels, predictions and comments; about a fifth of each value is missing."""
    chance = random.Random(seed)
    project = make_project(db, n)
    people = [make_person(db, name) for name in ("Ada", "Ben", "Cleo")]
    db.execute("delete from count_delta where project_id = %s", [project.id])
    imports = [
        db.execute(
            "insert into import (project_id, source, fingerprint) values (%s, %s, %s) returning id",
            [project.id, f"/data/in/cruise {k}.zip", str(k)],
        ).fetchone()[0]
        for k in range(3)
    ]
    _vary_parents(db, project, chance)
    for object_id in project.ids:
        _vary_object(db, project, object_id, imports, chance)
    _predict(db, project, chance)
    _comment(db, project, people, chance)
    _label(project, people, chance)
    for k in range(2):
        make_pile(db, project, people[k], uuid4(), f"odd {k}", chance.sample(project.ids, n // 5))
    db.execute("update project set data_version = data_version + 1 where id = %s", [project.id])
    return project, people


def _maybe(chance: random.Random, value: Any) -> Any:
    return None if chance.random() < 0.2 else value


def _vary_parents(db: Db, project: SmallProject, chance: random.Random) -> None:
    for row in db.execute("select id from sample where project_id = %s order by id", [project.id]).fetchall():
        place = (chance.uniform(-60, 60), chance.uniform(-180, 180)) if chance.random() < 0.7 else (None, None)
        db.execute("update sample set latitude = %s, longitude = %s where id = %s", [*place, row.id])
    for row in db.execute("select id from acquisition where project_id = %s order by id", [project.id]).fetchall():
        db.execute("update acquisition set instrument = %s where id = %s", [chance.choice(INSTRUMENTS), row.id])


def _vary_object(db: Db, project: SmallProject, object_id: int, imports: list[int], chance: random.Random) -> None:
    shallowest = chance.randrange(0, 100)
    db.execute(
        """
        update object
           set latitude = %s, longitude = %s, date = %s, time = %s, depth_min_m = %s, depth_max_m = %s,
               sun_position = %s, import_id = %s
         where project_id = %s
           and id = %s
        """,
        [
            _maybe(chance, chance.choice([chance.uniform(-60, 60), 40.0])),
            _maybe(chance, chance.choice([chance.uniform(-180, 180), 179.5])),
            _maybe(chance, date(2020, 1, 1) + timedelta(days=chance.randrange(900))),
            _maybe(chance, time(chance.randrange(24), chance.choice([0, 30]), chance.choice([0, 0, 59]))),
            _maybe(chance, shallowest),
            _maybe(chance, shallowest + chance.randrange(0, 50)),
            chance.choice("DNAU?"),
            _maybe(chance, chance.choice(imports)),
            project.id,
            object_id,
        ],
    )


def _predict(db: Db, project: SmallProject, chance: random.Random) -> None:
    run_id = db.execute("insert into run (project_id, kind) values (%s, 'classifier') returning id", [project.id])
    run = run_id.fetchone()[0]
    for object_id in chance.sample(project.ids, len(project.ids) * 3 // 4):
        db.execute(
            """
            insert into prediction (run_id, project_id, object_id, taxon_id, score, taxon_2_id, score_2, novelty)
            values (%s, %s, %s, %s, %s, %s, %s, %s)
            """,
            [run, project.id, object_id, *_choices(project, chance), chance.choice([None, 0.25, 0.5, 1.0])],
        )
    db.execute("update project set current_run_id = %s where id = %s", [run, project.id])


def _choices(project: SmallProject, chance: random.Random) -> list[Any]:
    """A taxon with its score, and a second one, if any."""
    taxa, score = chance.sample(list(project.taxa.values()), 2), chance.randrange(0, 11) / 10
    return [taxa[0], score, *chance.choice([(None, None), (taxa[1], score / 2)])]


def _comment(db: Db, project: SmallProject, people: list[Person], chance: random.Random) -> None:
    for object_id in chance.sample(project.ids, len(project.ids) // 3):
        text = chance.choice(["broken antenna", "a FRAGMENT", "gut full of “blue” fibres", "100 % sure_"])
        db.execute(
            "insert into comment (project_id, object_id, account_id, text) values (%s, %s, %s, %s)",
            [project.id, object_id, people[0].id, text],
        )


def _label(project: SmallProject, people: list[Person], chance: random.Random) -> None:
    """Acts of several people over each other, some undone in part, at different times and of every provenance."""
    for _ in range(8):
        who, taxon = chance.choice(people), chance.choice(list(project.taxa))
        chosen = chance.sample(project.ids, len(project.ids) // 8)
        project.do(who, chosen, taxon=taxon, status=chance.choice("VVVD"))
    rows = project.db.execute("select object_id from label where project_id = %s order by 1", [project.id]).fetchall()
    for row in rows:
        undone = chance.random() < 0.1
        project.db.execute(
            """
            update label
               set at = %s, provenance = %s, status = case when %s then 'U' else status end,
                   taxon_id = case when %s then null else taxon_id end,
                   account_id = case when %s then null else account_id end
             where project_id = %s
               and object_id = %s
            """,
            [
                FIRST_LABEL + timedelta(seconds=chance.randrange(5 * 86400), milliseconds=chance.randrange(1000)),
                chance.choice(["single", "batch", "audit", "imported"]),
                undone,
                undone,
                chance.random() < 0.05,
                project.id,
                row.object_id,
            ],
        )


def all_rows(db: Db, project_id: int) -> list[dict[str, Any]]:
    """Every object by id with what filters and orders ask of it, as the tables say."""
    rows = db.execute(
        """
        select object.*, sample.latitude as sample_latitude, sample.longitude as sample_longitude,
               sample.fields ->> 'station' as station, acquisition.instrument,
               case when label.status in ('D', 'V') then label.status when prediction.taxon_id is not null then 'P'
                    else 'U' end as status,
               case when label.status in ('D', 'V') then label.taxon_id else coalesce(prediction.taxon_id, 0) end
                    as taxon_id,
               case when label.status in ('D', 'V') then label.account_id end as account_id,
               case when label.status in ('D', 'V') then label.provenance
                    when prediction.taxon_id is not null then 'predicted' end as provenance,
               case when label.status in ('D', 'V') then label.at end as at,
               prediction.taxon_id as said, prediction.score, prediction.novelty,
               prediction.score - coalesce(prediction.score_2, 0) as margin,
               nullif(numbers[1], 'NaN') as area, texts[1] as note,
               array(select text from comment
                      where comment.project_id = object.project_id and comment.object_id = object.id) as comments,
               array(select act_id from history
                      where history.project_id = object.project_id and history.object_id = object.id) as acts,
               array(select pile_id from pile_object where pile_object.object_id = object.id) as piles,
               array(select act.account_id from history join act on act.id = act_id
                      where history.project_id = object.project_id and history.object_id = object.id
                        and act.kind in ('label', 'confirm', 'doubt')) as labellers,
               taxon.display_name as taxon
          from object
          join sample on sample.id = object.sample_id
          join acquisition on acquisition.id = object.acquisition_id
          join project on project.id = object.project_id
          join object_field on object_field.project_id = object.project_id and object_field.object_id = object.id
          left join label on label.project_id = object.project_id and label.object_id = object.id
          left join prediction on prediction.project_id = object.project_id and prediction.object_id = object.id
                              and prediction.run_id = project.current_run_id
          left join taxon on taxon.id = case when label.status in ('D', 'V') then label.taxon_id
                                             else prediction.taxon_id end
         where object.project_id = %s
         order by object.id
        """,
        [project_id],
    )
    return [row._asdict() for row in rows]


def _between(value: Any, low: Any, high: Any) -> bool:
    return value is not None and (low is None or value >= low) and (high is None or value <= high)


def _position(row: dict[str, Any]) -> tuple[float | None, float | None]:
    own = (row["latitude"], row["longitude"])
    return own if None not in own else (row["sample_latitude"], row["sample_longitude"])


def _depths(row: dict[str, Any]) -> tuple[float | None, float | None]:
    low, high = row["depth_min_m"], row["depth_max_m"]
    return (high if low is None else low), (low if high is None else high)


def _in_box(row: dict[str, Any], south: float, west: float, north: float, east: float) -> bool:
    latitude, longitude = _position(row)
    if not _between(latitude, south, north) or longitude is None:
        return False
    return west <= longitude <= east if west <= east else longitude >= west or longitude <= east


def _at_time(row: dict[str, Any], first: time, last: time) -> bool:
    clock = row["time"]
    if clock is None:
        return False
    return first <= clock <= last if first <= last else clock >= first or clock <= last


def random_condition(
    chance: random.Random, project: SmallProject, people: list[Person], rows: list[dict[str, Any]]
) -> tuple[list[tuple[str, str]], Callable[[dict[str, Any]], bool]]:
    """One condition as an address says it, and as plain Python. The viewer is the first person."""
    return chance.choice(MAKERS)(chance, project, people, rows)


def _depth(chance: random.Random, *_: Any) -> Any:
    low, high = sorted([chance.randrange(0, 140), chance.randrange(0, 140)])
    return [("depth", f"{low}..{high}")], lambda row: all(_between(depth, low, high) for depth in _depths(row))


def _open_depth(chance: random.Random, *_: Any) -> Any:
    low = chance.randrange(0, 100)
    return [("depth", f"{low}..")], lambda row: all(_between(depth, low, None) for depth in _depths(row))


def _date(chance: random.Random, *_: Any) -> Any:
    low = date(2020, 1, 1) + timedelta(days=chance.randrange(900))
    high = low + timedelta(days=chance.randrange(400))
    return [("date", f"{low}..{high}")], lambda row: _between(row["date"], low, high)


def _month(chance: random.Random, *_: Any) -> Any:
    months = chance.sample(range(1, 13), 3)
    said = [("month", f"{month:02}" if chance.random() < 0.5 else str(month)) for month in months]
    return said, lambda row: row["date"] is not None and row["date"].month in months


def _time(chance: random.Random, *_: Any) -> Any:
    first, last = (time(chance.randrange(24), chance.choice([0, 30])) for _ in range(2))
    end = last.replace(second=59)
    return [("time", f"{first:%H:%M}..{last:%H:%M}")], lambda row: _at_time(row, first, end)


def _sun(chance: random.Random, *_: Any) -> Any:
    letters = chance.sample("DNAU?", 2)
    return [("sun", letter) for letter in letters], lambda row: row["sun_position"] in letters


def _place(chance: random.Random, *_: Any) -> Any:
    south, north = sorted([chance.uniform(-60, 60), chance.uniform(-60, 60)])
    west, east = chance.uniform(-180, 180), chance.uniform(-180, 180)
    said = f"{south},{west},{north},{east}"
    return [("place", said)], lambda row: _in_box(row, south, west, north, east)


def _score(chance: random.Random, *_: Any) -> Any:
    low, high = sorted([chance.randrange(11) / 10, chance.randrange(11) / 10])
    near = 1e-6  # scores are kept in single precision
    return [("score", f"{low}..{high}")], lambda row: _between(row["score"], low - near, high + near)


def _margin(chance: random.Random, *_: Any) -> Any:
    low, near = chance.randrange(8) / 10, 1e-6
    return [("margin", f"{low}..")], lambda row: _between(row["margin"], low - near, 2)


def _novelty(chance: random.Random, *_: Any) -> Any:
    low = chance.choice([0.25, 0.5, 1.0])
    return [("novelty", f"{low}..1")], lambda row: _between(row["novelty"], low, 1)


def _status(chance: random.Random, *_: Any) -> Any:
    letters = chance.sample("UPDV", 2)
    return [("status", letter) for letter in letters], lambda row: row["status"] in letters


def _provenance(chance: random.Random, *_: Any) -> Any:
    names = chance.sample(["single", "batch", "audit", "imported", "predicted"], 2)
    return [("provenance", name) for name in names], lambda row: row["provenance"] in names


def _taxon(chance: random.Random, project: SmallProject, *_: Any) -> Any:
    taxa = [project.taxa[name] for name in chance.sample(list(project.taxa), 2)]
    return [("children", "0"), *(("taxon", str(taxon)) for taxon in taxa)], lambda row: row["taxon_id"] in taxa


def _predicted(chance: random.Random, project: SmallProject, *_: Any) -> Any:
    """Taxa that have none below them: of others it is asked elsewhere."""
    taxa = [project.taxa[name] for name in chance.sample(["Oithona similis", "Calanoida", "fiber"], 2)]
    return [("predicted", str(taxon)) for taxon in taxa], lambda row: row["said"] in taxa


def _who(chance: random.Random, project: SmallProject, people: list[Person], rows: Any) -> Any:
    person = chance.choice(people)
    if chance.random() < 0.5:
        return [("who", str(person.id))], lambda row: row["account_id"] == person.id
    me = people[0].id
    if chance.random() < 0.5:
        return [("who", "me")], lambda row: row["account_id"] == me
    return [("who", "others")], lambda row: row["status"] in "DV" and row["account_id"] != me


def _ever(chance: random.Random, project: SmallProject, people: list[Person], rows: Any) -> Any:
    person = chance.choice(people)
    said = "me" if person is people[0] else str(person.id)
    return [("ever", said)], lambda row: person.id in row["labellers"] or row["account_id"] == person.id


def _when(chance: random.Random, *_: Any) -> Any:
    first = FIRST_LABEL + timedelta(minutes=chance.randrange(4 * 1440))
    last = first + timedelta(minutes=chance.randrange(1440))
    end = last + timedelta(minutes=1)
    said = f"{first:%Y-%m-%dT%H:%M}..{last:%Y-%m-%dT%H:%M}"
    return [("when", said)], lambda row: row["at"] is not None and first <= row["at"] < end


def _when_day(chance: random.Random, *_: Any) -> Any:
    day = (FIRST_LABEL + timedelta(days=chance.randrange(5))).date()
    return [("when", f"..{day}")], lambda row: row["at"] is not None and row["at"].date() <= day


def _of_rows(key: str, column: str) -> Any:
    def make(chance: random.Random, project: SmallProject, people: list[Person], rows: list[dict[str, Any]]) -> Any:
        known = sorted({row[column] for row in rows} - {None})
        chosen = chance.sample(known, min(2, len(known)))
        return [(key, str(value)) for value in chosen], lambda row: row[column] in chosen

    return make


def _comment_condition(chance: random.Random, *_: Any) -> Any:
    said = chance.choice(["any", "none", "~fragment", "~“BLUE”", "~0 % s", "~nothing like it"])
    if said in ("any", "none"):
        return [("comment", said)], lambda row: bool(row["comments"]) == (said == "any")
    text = said[1:].casefold()
    return [("comment", said)], lambda row: any(text in comment.casefold() for comment in row["comments"])


def _act(chance: random.Random, project: SmallProject, people: list[Person], rows: list[dict[str, Any]]) -> Any:
    act_id = chance.choice(sorted({act for row in rows for act in row["acts"]}))
    return [("act", str(act_id))], lambda row: act_id in row["acts"]


def _pile(chance: random.Random, project: SmallProject, people: list[Person], rows: list[dict[str, Any]]) -> Any:
    pile_id = chance.choice(sorted({pile for row in rows for pile in row["piles"]}))
    return [("pile", str(pile_id))], lambda row: pile_id in row["piles"]


def _area(chance: random.Random, *_: Any) -> Any:
    low, high = sorted([chance.randrange(13), chance.randrange(13)])
    return [("f.area", f"{low}..{high}")], lambda row: _between(row["area"], low, high)


def _note(chance: random.Random, *_: Any) -> Any:
    digit = chance.randrange(3)
    if chance.random() < 0.5:
        return [("f.note", f"~TE {digit}")], lambda row: row["note"] is not None and f"te {digit}" in row["note"]
    return [("f.note", f"=note {digit}")], lambda row: row["note"] == f"note {digit}"


def _station(chance: random.Random, *_: Any) -> Any:
    name = f"st{chance.randrange(12)}"
    return [("f.sample.station", f"={name}")], lambda row: row["station"] == name


MAKERS = [
    _depth, _open_depth, _date, _month, _time, _sun, _place, _score, _margin, _novelty, _status, _provenance, _taxon,
    _predicted, _who, _ever, _when, _when_day, _of_rows("sample", "sample_id"),
    _of_rows("acquisition", "acquisition_id"), _of_rows("import", "import_id"), _of_rows("instrument", "instrument"),
    _comment_condition, _act, _pile, _area, _note, _station,
]  # fmt: skip
