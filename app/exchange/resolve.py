"""Who and what a source means: its taxa and people matched with ours, answered for by a mapping, or asked about."""

import re
from dataclasses import dataclass, field
from typing import Any

from app.database import Db
from app.errors import Refused
from app.exchange.lineages import create_lineages
from app.exchange.report import ImportOptions

OLD_STYLE = re.compile(r"(.+?)\s*\((.+)\)")
# The answer for a taxon whose objects come in without a label.
UNLABELLED = "-"
AROUND_PARENT = re.compile(r"\s*<\s*")


@dataclass
class Choices:
    """What every name of a source stands for, and the names that nobody could tell."""

    taxa: dict[str, int] = field(default_factory=dict)
    people: dict[str, int] = field(default_factory=dict)
    missing_taxa: list[str] = field(default_factory=list)
    missing_users: list[str] = field(default_factory=list)
    created_taxa: list[str] = field(default_factory=list)


def resolve(db: Db, import_id: int, account_id: int, options: ImportOptions) -> Choices:
    """Answers come first, then what is known under that name; then taxa are made, if that was asked for."""
    choices = Choices()
    _leave_unlabelled(db, import_id, options)
    _resolve_taxa(db, import_id, account_id, options, choices)
    _resolve_people(db, import_id, options, choices)
    return choices


def _leave_unlabelled(db: Db, import_id: int, options: ImportOptions) -> None:
    """Take the labels off the rows whose taxon was answered so; rolled back with the rest if nothing is shown."""
    given = options.mapping.get("taxa", {})
    texts = [text.strip().lower() for text, answer in given.items() if str(answer).strip() == UNLABELLED]
    if texts:
        db.execute(
            """
            update staged_row
            set status = null,
                taxon_key = null,
                taxon_text = null,
                taxon_lineage = null,
                person_name = null,
                person_email = null,
                annotated_at = null
            where import_id = %s
              and taxon_key = any(%s)
            """,
            [import_id, texts + [f"#{text.lstrip('#')}" for text in texts]],
        )


def _resolve_taxa(db: Db, import_id: int, account_id: int, options: ImportOptions, choices: Choices) -> None:
    named = db.execute(
        """
        select taxon_key as key, min(taxon_text) as text, min(taxon_lineage) as lineage
        from staged_row
        where import_id = %s
          and taxon_key is not null
        group by taxon_key
        order by taxon_key
        """,
        [import_id],
    ).fetchall()
    choices.taxa = _answered_taxa(db, options.mapping.get("taxa", {}), {row.key for row in named})
    open_keys = [row.key for row in named if row.key not in choices.taxa]
    choices.taxa |= find_taxa(db, [key for key in open_keys if not key.startswith("#")])
    choices.taxa |= _find_numbers(db, [key for key in open_keys if key.startswith("#")])
    unknown = [row for row in named if row.key not in choices.taxa]
    if options.create_taxa:
        paths = {row.key: _path(row) for row in unknown if row.text}
        made, choices.created_taxa = create_lineages(db, account_id, paths)
        choices.taxa |= made
    choices.missing_taxa = [row.text if row.text else row.key[1:] for row in unknown if row.key not in choices.taxa]


def find_taxa(db: Db, texts: list[str]) -> dict[str, int]:
    """The taxon of each text that means exactly one: its name, its display name, 'name<parent' or 'name (parent)'."""
    if not texts:
        return {}
    forms = [AROUND_PARENT.sub("<", text.strip().lower()) for text in texts]
    old = [OLD_STYLE.sub(r"\1<\2", form) for form in forms]
    rows = db.execute(
        """
        with wanted as (
            select text, form, 1 as attempt
            from unnest(%(texts)s::text[], %(forms)s::text[]) as given (text, form)
            union
            select text, form, 2
            from unnest(%(texts)s::text[], %(old)s::text[]) as given (text, form)
        ),
        known as (
            select id, regexp_replace(lower(display_name), '\\s*<\\s*', '<', 'g') as form, true as is_display
            from taxon
            union
            select id, lower(name), false
            from taxon
            union
            select child.id, lower(child.name) || '<' || lower(parent.name), false
            from taxon as child
            join taxon as parent on parent.id = child.parent_id
        )
        select text, attempt, array_agg(distinct id) as ids,
               array_agg(distinct id) filter (where is_display) as display_ids
        from wanted
        join known using (form)
        group by text, attempt
        order by text, attempt
        """,
        {"texts": texts, "forms": forms, "old": old},
    )
    found: dict[str, int] = {}
    for row in rows:
        # A display name is unique: it decides where a bare name is another taxon's as well.
        ids = row.ids if len(row.ids) == 1 else (row.display_ids or [])
        if len(ids) == 1:
            found.setdefault(row.text, ids[0])
    return found


def _find_numbers(db: Db, keys: list[str]) -> dict[str, int]:
    """Taxa by EcoTaxa's number where they have one, else by ours."""
    rows = db.execute(
        """
        select distinct on (number) number, taxon.id
        from unnest(%s::bigint[]) as number
        join taxon on number in (taxon.ecotaxa_id, taxon.id)
        order by number, taxon.ecotaxa_id is distinct from number
        """,
        [[int(key[1:]) for key in keys]],
    )
    return {f"#{row.number}": row.id for row in rows}


def _answered_taxa(db: Db, answers: dict[str, Any], keys: set[str]) -> dict[str, int]:
    """The mapping's taxa, by number or by name; an answer that names nothing is refused."""
    given = {_key(text, keys): str(answer).strip() for text, answer in answers.items() if answer is not None}
    wanted = {key: answer for key, answer in given.items() if key in keys and answer}
    numbers = _find_numbers(db, [f"#{answer}" for answer in wanted.values() if answer.isdecimal()])
    names = find_taxa(db, [answer for answer in wanted.values() if not answer.isdecimal()])
    known = {number[1:]: id for number, id in numbers.items()} | names
    wrong = sorted({answer for answer in wanted.values() if answer not in known})
    if wrong:
        raise Refused(f"The mapping names taxa that do not exist, or mean several: {', '.join(wrong)}. Correct it.")
    return {key: known[answer] for key, answer in wanted.items()}


def _key(text: str, keys: set[str]) -> str:
    """Answers name a taxon as it was asked: by its text in lower case, or by its number."""
    text = text.strip().lower()
    return f"#{text.lstrip('#')}" if f"#{text.lstrip('#')}" in keys and text not in keys else text


def _path(row: Any) -> tuple[str, ...]:
    """The names from the root down to the taxon, as far as the source tells them."""
    if row.lineage:
        steps = [step.strip() for step in row.lineage.split(">")]
    else:
        steps = [step.strip() for step in AROUND_PARENT.split(OLD_STYLE.sub(r"\1<\2", row.text))][::-1]
    return tuple(step for step in steps if step)


def _resolve_people(db: Db, import_id: int, options: ImportOptions, choices: Choices) -> None:
    """By name, else by the e-mail on the same row. An e-mail without a name stands for one."""
    named = db.execute(
        """
        select person_name as name, min(person_email) as email
        from staged_row
        where import_id = %s
          and person_name is not null
        group by person_name
        order by person_name
        """,
        [import_id],
    ).fetchall()
    given = options.mapping.get("users", {})
    answers = {str(name).strip().lower(): answer for name, answer in given.items() if answer not in (None, "")}
    texts = [str(answers.get(row.name.lower(), row.name)).strip() for row in named]
    by_name = _find_people(db, texts)
    by_email = _find_people(db, [row.email for row in named if row.email])
    for row, text in zip(named, texts, strict=True):
        found = by_name.get(text.lower())
        if found is None and row.name.lower() in answers:
            raise Refused(f"The mapping names a person that does not exist, or means several: {text}. Correct it.")
        found = found or by_email.get((row.email or "").lower())
        if found is None:
            choices.missing_users.append(row.name)
        else:
            choices.people[row.name] = found
    # Also keeps them from being removed before their labels are written; taken back if nothing is shown.
    db.execute(
        "update account set named_by_import = true where id = any(%s) and not named_by_import",
        [list(choices.people.values())],
    )


def _find_people(db: Db, texts: list[str]) -> dict[str, int]:
    """The account of each text that means exactly one: its e-mail, its name or its number."""
    rows = db.execute(
        """
        select text, array_agg(distinct account.id) as ids
        from unnest(%s::text[]) as text
        join account on text in (lower(email), lower(name), account.id::text)
        group by text
        """,
        [[text.lower() for text in texts]],
    )
    return {row.text: row.ids[0] for row in rows if len(row.ids) == 1}
