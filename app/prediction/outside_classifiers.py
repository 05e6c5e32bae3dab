"""Classifiers that live elsewhere: named and counted here, so that their runs are worked and compared like our own."""

from app.database import Db
from app.errors import Conflict, Refused

LARGEST_VERSION = 1_000_000


def version_of(db: Db, project_id: int, account_id: int | None, title: str, version: int | None = None) -> int:
    """The id of a version of a classifier made elsewhere; without `version`, the next one. A new one is made known."""
    title = title.strip()
    if not 0 < len(title) <= 200:
        raise Refused("Name the classifier with 1 to 200 letters: what predicted, such as “ResNet of the lab”.")
    if version is not None and not 1 <= version <= LARGEST_VERSION:
        raise Refused(f"A classifier's version is a number from 1 to {LARGEST_VERSION:,}, not {version}.")
    # Two programs at once would take the same number.
    db.execute("select from project where id = %s for no key update", [project_id])
    known = db.execute(
        "select id, method, version from classifier where project_id = %s and title = %s order by version desc",
        [project_id, title],
    ).fetchall()
    if version is None:
        version = known[0].version + 1 if known else 1
    same = next((row for row in known if row.version == version), None)
    if same is None:
        return _added(db, project_id, account_id, title, version)
    if same.method != "outside":
        raise Conflict(f"“{title}”, version {version}, was trained here: give what predicts elsewhere another name.")
    return int(same.id)


def _added(db: Db, project_id: int, account_id: int | None, title: str, version: int) -> int:
    row = db.execute(
        """
        insert into classifier (project_id, title, version, method, account_id, trained_at)
        values (%s, %s, %s, 'outside', %s, now())
        returning id
        """,
        [project_id, title, version, account_id],
    ).fetchone()
    return int(row.id)


def note_taxa(db: Db, project_id: int, run_id: int) -> None:
    """What a classifier elsewhere is known to predict: the taxa of its runs."""
    db.execute(
        """
        with told as (
            select distinct taxon_id
            from prediction
            where project_id = %(project)s
              and run_id = %(run)s
        )
        update classifier
        set taxa = array(select unnest(taxa) union select taxon_id from told order by 1)
        from run
        where run.id = %(run)s
          and classifier.id = run.classifier_id
          and classifier.method = 'outside'
        """,
        {"project": project_id, "run": run_id},
    )


def forget(db: Db, classifier_id: int | None) -> None:
    """A version of which no run is there says nothing: it goes."""
    db.execute(
        """
        delete from classifier
        where id = %s
          and method = 'outside'
          and not exists (select from run where run.classifier_id = classifier.id)
        """,
        [classifier_id],
    )
