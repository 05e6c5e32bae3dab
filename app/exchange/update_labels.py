"""The classifications of an update: put beside those of the project, and written as acts that can be undone.

As EcoTaxa has it: a word is another one where its status, its taxon or, if the source names them, its person or its
time (by a second or more) differ. A row that says nothing of an object leaves it as it is; one that calls it
unclassified, which EcoTaxa has no word for, takes its label and its prediction away.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from app.database import Db
from app.exchange import update_predictions
from app.exchange.plan import Plan, TableColumns
from app.exchange.report import SHOWN_FAULTS, Fault, ImportReport
from app.exchange.resolve import Choices
from app.exchange.rows import RowReader, copy_line
from app.exchange.update_rows import Piece
from app.labels import changes
from app.labels.acts import InBatch, begin

PART_ROWS = 50_000
MOST_EXAMPLES = 40


class Stage:
    """What the rows say of their objects, as an import stages it."""

    def __init__(self, db: Db, import_id: int, plan: Plan, outcome: ImportReport) -> None:
        self.db, self.import_id, self.outcome, self.n = db, import_id, outcome, 0
        self.names = plan.file_names()
        self.readers = [RowReader(_only_labels(columns), 0, 0, self._fault) for columns in plan.columns]

    def take(self, piece: Piece) -> None:
        lines = []
        for _, self.item in piece.objects:
            row = self.readers[self.item.file].read(self.item)
            if row.is_unclassified:
                row.status = "U"
            if row.status:
                lines.append(copy_line(self.import_id, self.n, self.item, row, b""))
                self.n += 1
        with self.db.transaction(), self.db.cursor().copy("copy staged_row from stdin") as copy:
            copy.write("".join(lines).encode())

    def _fault(self, says: str) -> None:
        self.outcome.n_faults += 1
        if len(self.outcome.faults) < SHOWN_FAULTS:
            self.outcome.faults.append(Fault(self.names[self.item.file], self.item.line, says))


def _only_labels(columns: TableColumns) -> TableColumns:
    kept = {
        header: index
        for header, index in columns.predefined.items()
        if header == "object_id" or header.startswith("object_annotation_")
    }
    parents: dict[str, Any] = {level: [] for level in ("sample", "acquisition", "process")}
    return replace(columns, predefined=kept, numbers=[], texts=[], parents=parents)


@dataclass(frozen=True)
class LabelDifference:
    """What an object is called, and what the source calls it."""

    file: str
    line: int
    name: str
    old: str
    new: str


@dataclass
class Told:
    """How many classifications and predictions differ; `n_lost`: labels of people that go without another."""

    n_labels: int
    n_predictions: int
    n_lost: int
    examples: list[LabelDifference]


def keep(db: Db, choices: Choices) -> None:
    """What the source's names mean, for as long as the connection is open."""
    db.execute("create temp table if not exists meant_taxon (key text primary key, taxon_id int not null)")
    db.execute("create temp table if not exists meant_person (name text primary key, account_id int not null)")
    db.execute("insert into meant_taxon select * from unnest(%s::text[], %s::int[])",
               [list(choices.taxa), list(choices.taxa.values())])  # fmt: skip
    db.execute("insert into meant_person select * from unnest(%s::text[], %s::int[])",
               [list(choices.people), list(choices.people.values())])  # fmt: skip


# Of the rows from one number to another, what they say of which object, where that is another word than the project's.
SAID = """
said as materialized (
    select staged_row.number, staged_row.file, staged_row.line, object.id as object_id, staged_row.status,
           meant_taxon.taxon_id, meant_person.account_id, staged_row.annotated_at,
           label.status as old_status, label.taxon_id as old_taxon_id, prediction.taxon_id as old_predicted,
           label.version as old_version
    from staged_row
    join object on object.project_id = %(project_id)s
               and object.orig_id = staged_row.object_orig_id
    join project on project.id = object.project_id
    left join meant_taxon on meant_taxon.key = staged_row.taxon_key
    left join meant_person on meant_person.name = staged_row.person_name
    left join label on label.project_id = object.project_id
                   and label.object_id = object.id
    left join prediction on prediction.project_id = object.project_id
                        and prediction.run_id = project.current_run_id
                        and prediction.object_id = object.id
    where staged_row.import_id = %(import_id)s
      and staged_row.number > %(after)s
      and staged_row.number <= %(until)s
      and (meant_taxon.taxon_id is not null or staged_row.status = 'U')
      and case when staged_row.status in ('P', 'U') then
              coalesce(label.status in ('D', 'V'), false)
              or prediction.taxon_id is distinct from meant_taxon.taxon_id
          else
              (label.status, label.taxon_id) is distinct from (staged_row.status, meant_taxon.taxon_id)
              or coalesce(meant_person.account_id <> label.account_id, false)
              or coalesce(abs(extract(epoch from label.at - staged_row.annotated_at)) >= 1, false)
          end
)
"""
# Somebody spoke since the differences were looked at: that word stays.
NEWER = """
exists (
    select
    from history
    join act on act.id = history.act_id
    where history.project_id = %(project_id)s
      and history.object_id = said.object_id
      and act.at > %(seen_at)s
      and act.detail ->> 'import_id' is distinct from %(import_id)s::text
)
"""


def compare(db: Db, project_id: int, import_id: int, plan: Plan) -> Told:
    """Counts and examples; nothing is written."""
    values = {"project_id": project_id, "import_id": import_id, "after": -1, "until": 2**62}
    counts: Any = db.execute(
        f"""
        with {SAID}
        select count(*) filter (where status in ('D', 'V') or old_status in ('D', 'V')) as labels,
               count(*) filter (where status in ('P', 'U') and old_predicted is distinct from taxon_id) as guesses,
               count(*) filter (where status in ('P', 'U') and old_status in ('D', 'V')) as lost
        from said
        """,  # noqa: S608 - constants
        values,
    ).fetchone()
    examples = db.execute(
        f"""
        with {SAID}
        select file, line, object.orig_id as name, said.status, taxon.display_name as taxon,
               case when old_status in ('D', 'V') then old_status when old_predicted is not null then 'P' else 'U' end
               as old_status,
               was.display_name as old_taxon
        from said
        join object on object.project_id = %(project_id)s and object.id = object_id
        left join taxon on taxon.id = said.taxon_id
        left join taxon as was on was.id = coalesce(case when old_status in ('D', 'V') then old_taxon_id end,
                                                    old_predicted)
        order by number
        limit %(most)s
        """,  # noqa: S608 - constants
        values | {"most": MOST_EXAMPLES},
    )
    names = plan.file_names()
    told = [
        LabelDifference(names[row.file], row.line, row.name, _word(row.old_status, row.old_taxon),
                        _word(row.status, row.taxon))
        for row in examples
    ]  # fmt: skip
    return Told(*counts, told)


WORDS = {"V": "validated", "D": "dubious", "P": "predicted"}


def _word(status: str, taxon: str | None) -> str:
    return f"{taxon}, {WORDS[status]}" if status in WORDS and taxon else "unclassified"


_TAKE = changes.changing(
    f"""
with {SAID},
held as materialized (
    select ctid as place, object_id, version, status, taxon_id, account_id, at, provenance, act_id
    from label
    where project_id = %(project_id)s
      and object_id = any(array(select object_id from said))
    order by object_id
       for no key update
),
asked as materialized (
    select said.object_id, case when said.status = 'P' then 'U' else said.status end as to_status,
           case when said.status in ('D', 'V') then said.taxon_id end as to_taxon_id,
           coalesce(said.account_id,
                    case when (held.status, held.taxon_id) = (said.status, said.taxon_id) then held.account_id end,
                    %(account_id)s::int) as to_account_id,
           coalesce(said.annotated_at, now()) as to_at, 'imported' as to_provenance, %(act_id)s::bigint as to_act_id,
           held.place, held.version, held.status, held.taxon_id, held.account_id, held.at, held.provenance,
           held.act_id, project.current_run_id as run_id, prediction.taxon_id as predicted_taxon_id, prediction.score,
           coalesce(held.version, 0) = coalesce(said.old_version, 0)
               and (said.status in ('D', 'V') or held.status in ('D', 'V'))
               and (%(seen_at)s::timestamptz is null or not {NEWER}) as fits
    from said
    join project on project.id = %(project_id)s
    left join held on held.object_id = said.object_id
    left join prediction on prediction.project_id = %(project_id)s
                        and prediction.object_id = said.object_id
                        and prediction.run_id = project.current_run_id
),
"""  # noqa: S608 - constants
)


class Labels:
    """The acts of one update."""

    def __init__(
        self, db: Db, project: Any, account_id: int, import_id: int, name: str, seen_at: datetime | None
    ) -> None:
        self.db, self.project, self.account_id, self.import_id = db, project, account_id, import_id
        self.name, self.seen_at, self.n_newer = name, seen_at, 0

    def values(self, after: int = -1, until: int = 2**62) -> dict[str, Any]:
        return {
            "project_id": self.project.id, "import_id": self.import_id, "after": after, "until": until,
            "account_id": self.account_id, "seen_at": self.seen_at,
        }  # fmt: skip

    def write(self, tell: Callable[[int, str], None]) -> tuple[int, int]:
        """First the predictions, which the labels that go uncover; returns how many of each are written by now."""
        if self.seen_at:
            found: Any = self.db.execute(
                f"with {SAID} select count(*) as n from said where {NEWER}",  # noqa: S608 - constants
                self.values(),
            ).fetchone()
            self.n_newer = found.n
        n_predictions = update_predictions.write(self.db, self.project, self.values(), self.name)
        last: Any = self.db.execute(
            "select coalesce(max(number), -1) as n from staged_row where import_id = %s", [self.import_id]
        ).fetchone()
        for after in range(-1, last.n, PART_ROWS):
            with self.db.transaction():
                self._take(after)
            tell(after + 1 + PART_ROWS, "Writing classifications")
        written: Any = self.db.execute(
            """
            select coalesce(sum(n_objects), 0)::bigint as n
            from act
            where project_id = %s
              and kind = 'import'
              and (detail ->> 'import_id')::int = %s
            """,
            [self.project.id, self.import_id],
        ).fetchone()
        return written.n, n_predictions

    def _take(self, after: int) -> None:
        place = InBatch(detail={"from": self.name, "import_id": self.import_id})
        act_id = begin(self.db, self.project.id, self.account_id, uuid4(), "import", provenance="imported", place=place)
        values = self.values(after, after + PART_ROWS) | {"act_id": act_id}
        changed = changes.change(self.db, _TAKE, values)
        if changed:
            self.db.execute("update act set n_objects = %s where id = %s", [len(changed), act_id])
        else:
            self.db.execute("delete from act where id = %s", [act_id])
