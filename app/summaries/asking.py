"""A summary as it is asked for: with the project's formulas where it brings none; what no job could do is refused."""

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from app.database import Db
from app.errors import Refused
from app.projects.access import Project
from app.summaries.formulas import formulas_of, read_formulas, reckoner
from app.summaries.regroup import regrouping

if TYPE_CHECKING:
    from app.exporting.choices import Choices


def completed(db: Db, project: Project, choices: "Choices") -> "Choices":
    """The choices with all that the job needs, or Refused."""
    if not choices.quantities:
        raise Refused("Choose what to sum up: abundance, concentration or biovolume.", status=422)
    quantities = tuple(dict.fromkeys(choices.quantities))
    formulas = read_formulas(asdict(formulas_of(project)) | choices.formulas)
    regrouping(db, choices.regroup)
    made = reckoner(db, project.id, quantities, formulas)
    # What is not reckoned by is not kept, so that the same wish is the same export.
    return replace(choices, quantities=quantities, formulas=asdict(formulas) if made.expressions else {})
