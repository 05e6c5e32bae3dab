"""An upload's way into its project: checked, asked about, imported. Where it stands is kept in the database alone."""

import re
import tarfile
import zipfile
from dataclasses import dataclass, field
from typing import Any

from psycopg.types.json import Jsonb

from app.accounts.queries import block_account, make_account
from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Conflict, Refused
from app.exchange.lineages import create_lineages
from app.exchange.near import NearTaxon
from app.exchange.report import ImportOptions, ImportReport
from app.exchange.resolve import UNLABELLED
from app.exchange.uploads import Upload
from app.jobs.queries import SeenJob, find_job
from app.jobs.queue import enqueue, is_active
from app.projects.access import Project
from app.settings import Settings
from app.taxonomy.queries import check_name, get_taxon

CHOICES = ("taxa_from_folders", "samples_from_folders", "skip_existing", "skip_bad_images", "create_taxa")
# Questions on one page; whoever has more answers these and checks again, or has the taxa made.
MOST_ASKED = 500
NO_MAIL = "imported.invalid"


@dataclass(frozen=True)
class TaxonQuestion:
    """A name that is no taxon of ours, with the answer so far."""

    text: str
    n: int
    lineage: str
    near: list[NearTaxon]
    answer: str = ""
    answer_name: str = ""

    @property
    def proposed(self) -> NearTaxon | None:
        return self.near[0] if self.near and self.near[0].is_sure and not self.answer else None


@dataclass(frozen=True)
class PersonQuestion:
    """A name that is no account of ours, with the answer so far."""

    name: str
    n: int
    email: str
    answer: str = ""
    answer_name: str = ""


@dataclass(frozen=True)
class State:
    """Where an upload stands. `step`: sending, choosing, working, stopped, faults, asking, nothing or done."""

    step: str
    job: SeenJob | None = None
    report: ImportReport | None = None
    options: dict[str, Any] = field(default_factory=dict)
    taxa: list[TaxonQuestion] = field(default_factory=list)
    people: list[PersonQuestion] = field(default_factory=list)
    holds: bool = False

    @property
    def n_open(self) -> int:
        """Questions that nobody has answered yet."""
        asked = self.report.missing_users if self.report else []
        n_taxa = len(self.report.missing_taxa) if self.report else 0
        given = self.options.get("mapping", {})
        left = n_taxa - sum(1 for text in (self.report.missing_taxa if self.report else []) if given_taxon(given, text))
        return left + sum(1 for name in asked if name not in given.get("users", {}))


def given_taxon(mapping: dict[str, Any], text: str) -> str:
    return str(mapping.get("taxa", {}).get(text, ""))


def read_state(db: Db, project: Project, viewer: Viewer, upload: Upload) -> State:
    """Decided by what is there: bytes, job and import."""
    options = dict.fromkeys(CHOICES, False) | {"update": ""} | upload.options
    if upload.completed_at is None:
        return State("sending", options=options)
    job = find_job(db, viewer, upload.job_id) if upload.job_id else None
    if job is not None and job.is_active:
        return State("working", job, options=options, holds=_holds(db, job.id))
    row = db.execute(
        "select status, report, started_at, ended_at from import where project_id = %s and id = %s",
        [project.id, upload.import_id],
    ).fetchone()
    if row is None or not row.report:
        return State("stopped" if job else "choosing", job, options=options)
    report = ImportReport.from_json(row.report)
    if row.status == "asking":
        return _questions(db, job, report, options)
    if row.status == "failed":
        return State("faults", job, report, options)
    was_there = report.status == "nothing" or _ended_before(row, job, upload)
    return State("nothing" if was_there else "done", job, report, options)


def _ended_before(import_: Any, job: SeenJob | None, upload: Upload) -> bool:
    """Whether the import that this upload came to was over when its own job began: another upload's, of the same."""
    if job is None or job.started_at is None or import_.ended_at is None:
        return bool(import_.started_at < upload.created_at)
    return bool(import_.ended_at < job.started_at)


def is_unreadable(settings: Settings, upload: Upload, state: State) -> bool:
    """No archive at all, or one that was cut short: to check it again would not help."""
    is_archive = {"zip": zipfile.is_zipfile, "tar": tarfile.is_tarfile}.get(upload.kind)
    if is_archive is None or state.step != "stopped" or state.job is None or state.job.status != "failed":
        return False
    source = upload.source(settings)
    return source.is_file() and not is_archive(source)


def _holds(db: Db, job_id: int) -> bool:
    row = db.execute(
        "select args -> 'options' ->> 'hold' = 'true' as holds from job where id = %s", [job_id]
    ).fetchone()
    return bool(row and row.holds)


def _questions(db: Db, job: SeenJob | None, report: ImportReport, options: dict[str, Any]) -> State:
    mapping = options.get("mapping", {})
    counts = {text: (n, lineage) for text, n, lineage in report.contents.get("taxa", [])}
    asked = sorted(report.missing_taxa, key=lambda text: -counts.get(text, (0, ""))[0])[:MOST_ASKED]
    proposed = report.contents.get("near", {})
    near = {text: [NearTaxon(*taxon) for taxon in taxa] for text, taxa in proposed.items()}
    names = _taxon_names(db, [given_taxon(mapping, text) for text in asked])
    taxa = [
        TaxonQuestion(
            text, *counts.get(text, (0, "")), near.get(text, []), answer, names.get(answer, "")
        )
        for text in asked
        for answer in [given_taxon(mapping, text)]
    ]  # fmt: skip
    seen = {name: (n, email) for name, n, email in report.contents.get("people", [])}
    users = mapping.get("users", {})
    shown = _account_names(db, list(users.values()))
    people = [
        PersonQuestion(name, *seen.get(name, (0, "")), str(users.get(name, "")), shown.get(str(users.get(name)), ""))
        for name in report.missing_users[:MOST_ASKED]
    ]
    return State("asking", job, report, options, taxa, people)


def _taxon_names(db: Db, ids: list[str]) -> dict[str, str]:
    wanted = [int(text) for text in ids if text.isdecimal()]
    rows = db.execute("select id, display_name from taxon where id = any(%s)", [wanted])
    return {str(row.id): row.display_name for row in rows}


def _account_names(db: Db, ids: list[Any]) -> dict[str, str]:
    wanted = [int(text) for text in ids if str(text).isdecimal()]
    rows = db.execute("select id, name, email from account where id = any(%s)", [wanted])
    return {str(row.id): f"{row.name} <{row.email}>" for row in rows}


def start(db: Db, project: Project, viewer: Viewer, upload: Upload, options: ImportOptions) -> int:
    """Queue the check (`hold`) or the import of an upload that came whole, which the caller locked; returns the job."""
    if upload.completed_at is None:
        raise Conflict(f"{upload.name} has not arrived whole yet. Send the rest first.")
    if upload.removed_at is not None:
        raise Conflict(f"{upload.name} was imported already, and its file is gone. Send it again to import it again.")
    if is_active(db, upload.job_id):
        raise Conflict(f"{upload.name} is being worked on already. Wait for that, or cancel it.")
    args = {"upload": str(upload.id), "options": options.as_json()}
    title = _title(options, upload.name, project.title)
    # Checks and imports of one project take turns: each would miss what the other makes visible.
    job_id = enqueue(db, "import", title, project.id, viewer.account_id, args)
    kept = {name: getattr(options, name) for name in (*CHOICES, "update")} | {"mapping": options.mapping}
    db.execute(
        "update upload set job_id = %s, options = %s, touched_at = now() where id = %s",
        [job_id, Jsonb(kept), upload.id],
    )
    return job_id


def _title(options: ImportOptions, source: str, project: str) -> str:
    if options.update:
        return f"Compare {source} with {project}" if options.hold else f"Update {project} from {source}"
    return f"Check {source} for {project}" if options.hold else f"Import {source} into {project}"


def import_options(options: dict[str, Any], **more: Any) -> ImportOptions:
    """The importer's options from those kept with an upload."""
    chosen = {name: bool(options.get(name)) for name in CHOICES}
    kept = {"mapping": options.get("mapping", {}), "update": options.get("update", "")}
    return ImportOptions.from_json(chosen | kept | more)


def save_answers(db: Db, upload: Upload, taxa: dict[str, Any], users: dict[str, Any]) -> dict[str, Any]:
    """Add answers to those given; null takes one back. Returns all."""
    known = {str(row.id) for row in db.execute("select id from taxon where id = any(%s)", [_numbers(taxa)])}
    wrong = [text for text, answer in taxa.items() if answer not in (None, UNLABELLED) and str(answer) not in known]
    if wrong:
        raise Refused(f"The taxon chosen for “{wrong[0]}” does not exist any more. Choose another.", status=422)
    named = _accounts(db, {str(answer) for answer in users.values() if answer is not None})
    people = {name: None if answer is None else named[str(answer)] for name, answer in users.items()}
    row = db.execute("select options from upload where id = %s for update", [upload.id]).fetchone()
    mapping = row.options.get("mapping", {})
    merged = {
        part: {name: answer for name, answer in (mapping.get(part, {}) | new).items() if answer is not None}
        for part, new in (("taxa", taxa), ("users", people))
    }
    db.execute(
        "update upload set options = %s, touched_at = now() where id = %s",
        [Jsonb(row.options | {"mapping": merged}), upload.id],
    )
    return merged


def _numbers(answers: dict[str, Any]) -> list[int]:
    return [int(answer) for answer in answers.values() if str(answer).isdecimal() and int(answer) < 2**31]


def _accounts(db: Db, texts: set[str]) -> dict[str, int]:
    """The accounts that texts like 'Ada Lovelace <ada@example.org>', a number, a name or an email mean."""
    typed = {text: _typed(text) for text in texts}
    rows = db.execute(
        """
        select given.text, array_agg(account.id) as ids
        from unnest(%s::text[], %s::text[]) as given (text, typed)
        join account on account.removed_at is null
             and (lower(account.email) = given.typed or lower(account.name) = given.typed
                  or account.id = case when pg_input_is_valid(given.typed, 'int') then given.typed::int end)
        group by given.text
        """,
        [list(typed), list(typed.values())],
    )
    found = {row.text: row.ids for row in rows}
    for text in texts:
        if len(ids := found.get(text, [])) != 1:
            several = "several accounts have this name: give the e-mail address" if ids else "there is no such account"
            raise Refused(f"“{text}”: {several}. Or let a person without access be made.", status=422)
    return {text: int(ids[0]) for text, ids in found.items()}


def _typed(text: str) -> str:
    mail = re.search(r"<([^<>]+)>\s*$", text)
    return (mail.group(1) if mail else text).strip().lower().replace("\0", " ")


def make_taxa(db: Db, viewer: Viewer, texts: list[str], parent_id: int | None, type: str) -> dict[str, int]:
    """A taxon of each text under one parent, or the one that is there; by text."""
    if type not in ("P", "M"):
        raise Refused("A taxon is of type P (phylogenetic) or M (morphological).")
    parent = get_taxon(db, parent_id) if parent_id is not None else None
    if parent_id is not None and parent is None:
        raise Refused("The taxon above does not exist any more. Choose another.", status=422)
    above = tuple(parent.lineage) if parent else ()
    paths = {text: (*above, check_name(text.partition("<")[0])) for text in texts}
    made, created = create_lineages(db, viewer.account_id or 0, paths)
    db.execute("update taxon set type = %s, status = 'N' where display_name = any(%s)", [type, created])
    return made


def make_person(db: Db, viewer: Viewer, name: str, email: str) -> int:
    """An account for somebody who labelled elsewhere, who cannot log in: nobody has a password or a link for it.

    With a real address it counts as invited by the caller, who may add its person to a project later, with a link.
    """
    name = " ".join(name.split())
    slug = re.sub(r"[^a-z0-9]+", ".", name.lower()).strip(".") or "person"
    email = email.strip() or f"{slug[:60]}@{NO_MAIL}"
    row = db.execute("select id from account where lower(email) = lower(%s)", [email]).fetchone()
    if row is not None:
        return int(row.id)
    account_id = make_account(db, email, name, invited_by=viewer.account_id)
    if email.endswith(f"@{NO_MAIL}"):
        block_account(db, account_id)
    return account_id
