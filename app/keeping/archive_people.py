"""Whom and what an archive means: its taxa, people and embedders, found in this Shoal or made."""

import secrets
from typing import Any

from psycopg.types.json import Jsonb

from app.database import Db
from app.search.embedders import make_row
from app.taxonomy.naming import hold_structure, name_uniquely

Told = list[dict[str, Any]]
Map = dict[int, int]


def find_taxa(db: Db, told: Told) -> Map:
    """By EcoTaxa's number, else by name under the same parent, else by AphiaID; what is not here is made. Parents come
    first."""
    hold_structure(db)
    known = _Known(db)
    found: Map = {0: 0}
    made: Told = []
    for taxon in told:
        parent_id = found.get(taxon["parent_id"] or 0) or None
        found[taxon["id"]] = known.find(taxon, parent_id) or known.add(
            taxon, parent_id, _make_taxon(db, taxon, parent_id)
        )
        if found[taxon["id"]] in known.made:
            made.append(taxon)
    for taxon in made:
        if taxon["rename_to"] in found:
            db.execute("update taxon set rename_to = %s where id = %s", [found[taxon["rename_to"]], found[taxon["id"]]])
    name_uniquely(db, {taxon["name"] for taxon in made})
    return found


class _Known:
    """The taxa of this Shoal, by what tells them."""

    def __init__(self, db: Db) -> None:
        rows = db.execute("select id, parent_id, lower(name) as name, aphia_id, ecotaxa_id from taxon").fetchall()
        self.by_ecotaxa = {row.ecotaxa_id: row.id for row in rows if row.ecotaxa_id}
        self.by_place = {(row.parent_id, row.name): row.id for row in rows}
        self.by_aphia = {(row.aphia_id, row.name): row.id for row in rows if row.aphia_id}
        self.made: set[int] = set()

    def find(self, taxon: dict[str, Any], parent_id: int | None) -> int | None:
        name = taxon["name"].lower()
        return (
            self.by_ecotaxa.get(taxon["ecotaxa_id"])
            or self.by_place.get((parent_id, name))
            or self.by_aphia.get((taxon["aphia_id"], name))
        )

    def add(self, taxon: dict[str, Any], parent_id: int | None, taxon_id: int) -> int:
        self.by_place[parent_id, taxon["name"].lower()] = taxon_id
        self.made.add(taxon_id)
        return taxon_id


def _make_taxon(db: Db, taxon: dict[str, Any], parent_id: int | None) -> int:
    """Under the name by which it is known there, where that is free here."""
    taken = db.execute("select 1 from taxon where display_name = %s", [taxon["display_name"]]).fetchone()
    shown = f"{taxon['name']} < {secrets.token_hex(8)}" if taken else taxon["display_name"]
    row = db.execute(
        """
        insert into taxon (parent_id, name, display_name, type, status, rank, aphia_id, ecotaxa_id, external_ids)
        values (%(parent_id)s, %(name)s, %(shown)s, %(type)s, %(status)s, %(rank)s, %(aphia_id)s, %(ecotaxa_id)s,
                %(external_ids)s)
        returning id
        """,
        taxon | {"parent_id": parent_id, "shown": shown, "external_ids": Jsonb(taxon["external_ids"])},
    ).fetchone()
    return int(row.id)


def find_people(db: Db, told: Told) -> tuple[Map, list[int]]:
    """By e-mail; who is not here is kept as a name, without a password or a right. Also the numbers of those made."""
    emails = [person["email"] for person in told]
    rows = db.execute("select id, lower(email) as email from account where lower(email) = any(%s)",
                      [[email.lower() for email in emails]])  # fmt: skip
    known = {row.email: row.id for row in rows}
    made = []
    for person in told:
        if person["email"].lower() not in known:
            row = db.execute(
                """
                insert into account (email, name, organisation, orcid, named_by_import)
                values (%(email)s, %(name)s, %(organisation)s, %(orcid)s, true)
                returning id
                """,
                person,
            ).fetchone()
            known[person["email"].lower()] = row.id
            made.append(row.id)
    return {person["id"]: known[person["email"].lower()] for person in told}, made


def find_embedders(db: Db, told: Told) -> Map:
    """By digest and name. One of the same name and another digest is another: it is made under a name of its own."""
    found: Map = {}
    for one in told:
        row = db.execute(
            "select id from embedder where digest = %(digest)s and dimension = %(dimension)s and name = %(name)s", one
        ).fetchone()
        if row is None:
            taken = db.execute("select 1 from embedder where name = %(name)s", one).fetchone()
            name = f"{one['name']} ({one['digest'][:8]})" if taken else one["name"]
            row = db.execute(
                "select id from embedder where digest = %s and name = %s", [one["digest"], name]
            ).fetchone() or make_row(db, one | {"name": name})
        found[one["id"]] = row.id
    return found
