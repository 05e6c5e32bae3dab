"""What a batch's objects are compared in: what the project had when the batch was made, as long as it is worked.

Where those vectors were let go, as of images that are cut otherwise by now, it follows the project.
"""

from typing import Any

from app.batches.ordering import Compared
from app.database import Db
from app.search.sizes import Space, weight_of
from app.spaces.current import space_of


def pinned(db: Db, project: Compared, batch_id: int) -> Space:
    """The project as the batch compares its objects, for whom the project was found."""
    row: Any = db.execute(
        """
        select project.embedder_id as present_id, coalesce(batch.embedder_id, project.embedder_id) as embedder_id,
               batch.space_id,
               batch.embedder_id <> project.embedder_id
                   and not exists (select
                                     from object_vector
                                    where object_vector.embedder_id = batch.embedder_id
                                      and object_vector.project_id = batch.project_id) as is_gone
          from batch
          join project on project.id = batch.project_id
         where batch.id = %s
        """,
        [batch_id],
    ).fetchone()
    if row.is_gone:
        return Space(project.id, row.present_id, weight_of(project), space_of(project))
    return Space(project.id, row.embedder_id, weight_of(project), row.space_id)
