"""Which embedders' vectors an export is to have, and the columns that they stand in."""

from dataclasses import dataclass
from typing import Any

from app.database import Db
from app.errors import Refused
from app.exporting.choices import OWN
from app.exporting.names import safe


@dataclass(frozen=True)
class Vectors:
    """An embedder whose vectors are written, and the column that they stand in."""

    id: int
    name: str
    digest: str
    dimension: int
    column: str

    @property
    def told(self) -> dict[str, Any]:
        return {"name": self.name, "digest": self.digest, "dimension": self.dimension, "column": self.column}


def find_embedders(db: Db, project_id: int, names: tuple[str, ...]) -> list[Vectors]:
    """The embedders of these names; own is the project's, and nothing where it has none. Refused where one is not
    known."""
    rows = db.execute(
        """
        select embedder.id, embedder.name, digest, dimension, project.id is not null as is_own
        from embedder
        left join project on project.id = %s
                         and project.embedder_id = embedder.id
        order by is_own desc, embedder.id
        """,
        [project_id],
    ).fetchall()
    known = {row.name for row in rows}
    if unknown := [name for name in names if name != OWN and name not in known]:
        raise Refused(
            f"There is no embedder {unknown[0]!r}. There are: {', '.join(sorted(known)) or 'none'}.", status=422
        )
    chosen = [row for row in rows if row.name in names or (row.is_own and OWN in names)]
    return [
        Vectors(*row[:4], column="vector" if place == 0 else f"vector_{safe(row.name).replace(' ', '_')}_{row.id}")
        for place, row in enumerate(chosen)
    ]
