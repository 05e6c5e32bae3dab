"""Shoal as a program sees it: a URL and a token, nothing else. Each request's time is kept."""

import json
from collections.abc import Iterator
from time import perf_counter, sleep
from typing import Any
from uuid import UUID

import httpx

from tests.benchmarks.effort.diary import Diary

Tile = dict[str, Any]
PATIENCE_S = 900
OBJECTS_PER_ACT = 1_000


class Shoal:
    """One project, as one account may see and change it."""

    def __init__(self, url: str, token: str, project_id: int, seed: int, diary: Diary) -> None:
        headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
        self.http = httpx.Client(base_url=f"{url}/api/v1", headers=headers, timeout=PATIENCE_S)
        self.project_id, self.diary, self.seed = project_id, diary, seed
        self.n_acts = 0
        self.taxa: dict[str, int] = {}

    def ask(self, what: str, method: str, path: str, **how: Any) -> Any:
        """A request of the kind `what`; an answer that is no success ends the run with what it says."""
        began = perf_counter()
        answer = self.http.request(method, path.replace("PROJECT", f"/projects/{self.project_id}"), **how)
        self.diary.request(what, perf_counter() - began)
        if answer.is_error:
            raise SystemExit(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json() if answer.content else None

    def act_id(self) -> str:
        """The same for the same act of the same run."""
        self.n_acts += 1
        return str(UUID(int=(self.seed << 64) + self.n_acts))

    def pages(self, limit: int, **filter: Any) -> Iterator[list[Tile]]:
        """A list page by page; what is labelled meanwhile neither shifts nor repeats it."""
        wanted: dict[str, Any] = {"limit": limit, **filter}
        while True:
            found = self.ask("list", "GET", "PROJECT/objects", params=wanted)
            if found["objects"]:
                yield [tile | {"hash": tile["image"]} for tile in found["objects"]]
            if not found["next_cursor"]:
                return
            wanted["cursor"] = found["next_cursor"]

    def tiles(self, limit: int, **filter: Any) -> list[Tile]:
        """The first page of a list."""
        return next(self.pages(limit, **filter), [])

    def n_objects(self) -> int:
        return sum(self.ask("tree", "GET", "PROJECT/taxa")["total"].values())

    def counts(self) -> dict[int, dict[str, int]]:
        """Objects by taxon and status, as the tree shows them."""
        return {row["taxon_id"]: row["n"] for row in self.ask("tree", "GET", "PROJECT/taxa")["taxa"]}

    def taxon(self, name: str) -> int:
        """The taxon of this name, made where nobody has made it."""
        if name not in self.taxa:
            found = self.ask("type-ahead", "GET", "/taxa", params={"q": name, "project_id": self.project_id})
            same = [taxon["id"] for taxon in found if taxon["name"] == name]
            body = {"name": name, "project_id": self.project_id}
            self.taxa[name] = same[0] if same else self.ask("create", "POST", "/taxa", json=body)["id"]
        return self.taxa[name]

    def name_of(self, taxon_id: int) -> str:
        """Its name, also where somebody else gave it."""
        known = {number: name for name, number in self.taxa.items()}
        if taxon_id not in known:
            known[taxon_id] = self.ask("taxon", "GET", f"/taxa/{taxon_id}")["name"]
            self.taxa[known[taxon_id]] = taxon_id
        return known[taxon_id]

    def label(self, tiles: list[Tile], name: str | None) -> None:
        """One act: this taxon, or without one what each is predicted to be."""
        for part in _parts(tiles):
            body = {
                "client_id": self.act_id(),
                "kind": "confirm" if name is None else "label",
                "objects": [tile["id"] for tile in part],
                "states": [tile["state"] for tile in part],
            }
            if name is not None:
                body |= {"taxon_id": self.taxon(name)}
            outcome = self.ask("act", "POST", "PROJECT/acts", json=body)
            if outcome["refused"] or len(outcome["changed"]) != len(part):
                raise SystemExit(f"An act on {len(part)} objects was refused in part: {outcome['refused'][:3]}")

    def n_unlabelled(self) -> int:
        total = self.ask("tree", "GET", "PROJECT/taxa")["total"]
        return int(total["U"] + total["P"])

    # Batches ----------------------------------------------------------------------------------------------------

    def make_batch(self, source: dict[str, Any], order: str, limit: int, taxon_id: int | None = None) -> dict[str, Any]:
        body = {"source": source, "order": order, "limit": limit, "taxon_id": taxon_id}
        made: dict[str, Any] = self.ask("make batch", "POST", "PROJECT/batches", json=body)
        return made

    def batch_page(self, batch_id: int, n: int) -> dict[str, Any]:
        """The next page, all of it seen; `tiles` is empty at the end."""
        page: dict[str, Any] = self.ask("batch page", "GET", f"PROJECT/batches/{batch_id}/page", params={"n": n})
        if page["tiles"]:
            body = {"ids": [tile["id"] for tile in page["tiles"]]}
            self.ask("seen", "POST", f"PROJECT/batches/{batch_id}/page/{page['number']}/seen", json=body)
        return page

    def offered(self, page: dict[str, Any]) -> set[str]:
        """Names that stand on the page, each with a key: its target's, and those that are proposed."""
        ids = {page["batch"]["taxon_id"], *(each["taxon_id"] for each in page["proposals"])}
        return {self.name_of(taxon_id) for taxon_id in ids if taxon_id is not None}

    def offered_for(self, page: dict[str, Any], tiles: list[Tile]) -> set[str]:
        """The same once these are marked: then it is their own neighbours that propose."""
        if not tiles:
            return self.offered(page)
        path, ids = f"PROJECT/batches/{page['batch']['id']}/proposals", [tile["id"] for tile in tiles]
        proposals = self.ask("proposals", "POST", path, json={"ids": ids})
        return self.offered(page | {"proposals": proposals})

    def apply_page(
        self, page: dict[str, Any], marked: list[Tile], not_this: list[Tile], taxon_id: int | None
    ) -> dict[str, Any]:
        """One act; without anything marked or refused, the page is passed."""
        path = f"PROJECT/batches/{page['batch']['id']}/page/{page['number']}"
        if not marked and not not_this:
            return {"batch": self.ask("pass", "POST", f"{path}/pass")}
        body = {
            "client_id": self.act_id(),
            "taxon_id": taxon_id,
            "marked": [tile["id"] for tile in marked],
            "states": [tile["state"] for tile in marked],
            "not_this": [tile["id"] for tile in not_this],
        }
        worked: dict[str, Any] = self.ask("apply", "POST", f"{path}/apply", json=body)
        if worked["outcome"]["refused"] or len(worked["outcome"]["changed"]) != len(marked):
            raise SystemExit(f"A page's act was refused in part: {worked['outcome']['refused'][:3]}")
        return worked

    def batch_tiles(self, batch_id: int) -> list[Tile]:
        """What a batch holds, as its first page shows it; nothing of it is reported as seen."""
        tiles: list[Tile] = self.ask(
            "batch page", "GET", f"PROJECT/batches/{batch_id}/page", params={"n": OBJECTS_PER_ACT}
        )["tiles"]
        return tiles

    def cards(self, limit: int, order: str = "gain") -> list[dict[str, Any]]:
        """The first cards of what was cut last."""
        wish = {"limit": limit, "order": order}
        found: list[dict[str, Any]] = self.ask("cards", "GET", "PROJECT/clusters", params=wish)["cards"]
        return found

    def cut_cards(self, n_cards: int | None = None) -> None:
        """Have what is not labelled cut into cards, and wait for that."""
        began = perf_counter()
        self.ask("ask for cards", "POST", "PROJECT/clusters", json={"n_cards": n_cards})
        while (run := self.ask("cards", "GET", "PROJECT/clusters", params={"limit": 1})["run"])["state"] != "complete":
            if run["job_status"] in ("failed", "cancelled"):
                raise SystemExit(f"The job that cuts cards has {run['job_status']}: {run['job_error']}")
            sleep(0.2)
        self.diary.wait("cards", perf_counter() - began)

    def alike(self, examples: list[int], limit: int) -> list[Tile]:
        """What is not labelled, the most alike to the mean of the examples first."""
        wish = {"filter": {"status": ["U", "P"]}, "order": "like", "examples": examples, "limit": limit}
        began = perf_counter()
        path = f"/projects/{self.project_id}/objects/query"
        with self.http.stream("POST", path, json=wish) as lines:
            rows = [json.loads(line) for line in lines.iter_lines() if line]
        self.diary.request("alike", perf_counter() - began)
        return [row | {"hash": row["image"]} for row in rows]

    def close_batch(self, batch_id: int) -> None:
        self.ask("close", "DELETE", f"PROJECT/batches/{batch_id}")


def _parts(tiles: list[Tile]) -> Iterator[list[Tile]]:
    for first in range(0, len(tiles), OBJECTS_PER_ACT):
        yield tiles[first : first + OBJECTS_PER_ACT]
