"""A small server that answers as EcoTaxa's API does: tokens, windows, jobs that take their time, and its refusals."""

import io
import json
import threading
import zipfile
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlsplit

from tests.exchange.conftest import picture

MANAGER, READER, STRANGER = "manager-token", "reader-token", "stranger-token"
# number: (name, parent, status)
TAXA = {
    1: ("living", None, "A"),
    85011: ("other", 1, "A"),
    45072: ("Copepoda", 1, "A"),
    45100: ("Oithona", 45072, "A"),
    93973: ("detritus", None, "A"),
    99001: ("fiber", 93973, "A"),
    99009: ("old fiber", 93973, "D"),
}


@dataclass
class Thing:
    """An object of the project there."""

    id: int
    orig_id: str
    sample: int = 1
    status: str | None = None
    taxon: int | None = None
    by: str | None = None
    at: str | None = None
    area: int | None = None


@dataclass
class Sea:
    """What the server knows, and how it is to behave. `trouble`: statuses that the next answers have first."""

    project: int = 42
    title: str = "Villefranche, Point B"
    things: list[Thing] = field(default_factory=list)
    jobs: dict[int, dict[str, Any]] = field(default_factory=dict)
    trouble: list[tuple[str, int]] = field(default_factory=list)
    looks_until_done: int = 2
    job_fails: str = ""
    cut_download_at: int = 0
    asked: list[str] = field(default_factory=list)
    classified: list[dict[str, Any]] = field(default_factory=list)

    def find(self, orig_id: str) -> Thing:
        return next(one for one in self.things if one.orig_id == orig_id)

    def label(self, orig_id: str, taxon: int | None, status: str | None = "V", by: str | None = "Ada Lovelace") -> None:
        one = self.find(orig_id)
        one.taxon, one.status, one.by, one.at = taxon, status, by, "2026-05-04T10:11:12.000001"


class Refusal(Exception):
    def __init__(self, code: int, detail: str, headers: dict[str, str] | None = None) -> None:
        self.code, self.detail, self.headers = code, detail, headers or {}


class Handler(BaseHTTPRequestHandler):
    """One question; `sea` is set on the class that a server is made with."""

    sea: Sea
    protocol_version = "HTTP/1.1"

    def log_message(self, *told: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def _answer(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = json.loads(self.rfile.read(length) or b"null")
        parts = urlsplit(self.path)
        path = parts.path.removeprefix("/api/").strip("/")
        self.sea.asked.append(f"{self.command} {path}")
        try:
            for place, (start, code) in enumerate(self.sea.trouble):
                if path.startswith(start):
                    del self.sea.trouble[place]
                    raise Refusal(code, "Traceback\n  somewhere\nAssertionError: no", {"Retry-After": "0"})
            if path.startswith("jobs/") and path.endswith("/file"):
                return self._file(int(path.split("/")[1]))
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            self._send(200, json.dumps(self._do(path, query, body)).encode())
        except Refusal as refusal:
            self._send(refusal.code, json.dumps({"detail": refusal.detail}).encode(), refusal.headers)

    def _send(self, code: int, data: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(code)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _do(self, path: str, query: dict[str, str], body: Any) -> Any:
        if path == "login":
            if body != {"username": "ada@example.org", "password": "Secret!9"}:
                raise Refusal(401, "Bad email or password")
            return MANAGER
        token = (self.headers.get("authorization") or "").removeprefix("Bearer ")
        if token not in (MANAGER, READER, STRANGER):
            raise Refusal(403, "Could not validate credentials")
        if path == "taxon_set/query":
            numbers = [int(one) for one in unquote_plus(query["ids"]).split(" ")]
            return [taxon(number) for number in numbers if number in TAXA]
        if path.startswith("jobs/"):
            return self._job(int(path.split("/")[1]))
        self._check(path, body, token)
        if path == f"projects/{self.sea.project}":
            return {"projid": self.sea.project, "title": self.sea.title, "objcount": len(self.sea.things)}
        if path == f"object_set/{self.sea.project}/query":
            return self._window(query)
        if path.startswith("object_set/export/"):
            return self._export(path.rsplit("/", 1)[1], body)
        if path == "object_set/classify":
            return self._classify(body)
        raise Refusal(404, "Not Found")

    def _check(self, path: str, body: Any, token: str) -> None:
        """Reading is for those with a right to the project; backups are for its managers, labels for annotators."""
        told = (body or {}).get("request", {}).get("project_id") if isinstance(body, dict) else None
        named = path.split("/")[1] if path.startswith(("projects/", "object_set/")) else ""
        if (named.isdigit() and int(named) != self.sea.project) or (told and int(told) != self.sea.project):
            raise Refusal(404, "Not found")
        if token == STRANGER or (token == READER and path in ("object_set/export/backup", "object_set/classify")):
            raise Refusal(403, "Not authorized")

    def _window(self, query: dict[str, str]) -> dict[str, Any]:
        assert query["order_field"] == "obj.objid"
        things = sorted(self.sea.things, key=lambda one: one.id)
        start = int(query["window_start"])
        part = things[start : start + int(query["window_size"])]
        of = {
            "obj.orig_id": "orig_id", "obj.classif_qual": "status", "obj.classif_id": "taxon", "obj.classif_date": "at",
            "usr.name": "by",
        }  # fmt: skip
        return {
            "object_ids": [one.id for one in part],
            "acquisition_ids": [one.sample * 10 for one in part],
            "sample_ids": [one.sample for one in part],
            "project_ids": [self.sea.project] * len(part),
            "details": [[getattr(one, of[name]) for name in query["fields"].split(",")] for one in part],
            "total_ids": len(things),
        }

    def _export(self, kind: str, body: Any) -> dict[str, Any]:
        wanted = body["filters"].get("samples", "")
        samples = {int(one) for one in wanted.split(",") if one}
        things = [one for one in self.sea.things if not samples or one.sample in samples]
        number = len(self.sea.jobs) + 1
        self.sea.jobs[number] = {"looks": 0, "data": export(kind, things, body["request"].get("with_images") != "none")}
        return {"errors": [], "warnings": [], "job_id": number}

    def _job(self, number: int) -> dict[str, Any]:
        job = self.sea.jobs.get(number)
        if job is None:
            raise Refusal(404, "Not found")
        job["looks"] += 1
        done = job["looks"] > self.sea.looks_until_done
        state = "E" if done and self.sea.job_fails else "F" if done else "R" if job["looks"] > 1 else "P"
        return {
            "id": number, "state": state, "progress_pct": 100 if done else 50, "progress_msg": "Proceeding",
            "errors": [self.sea.job_fails] if state == "E" else [],
        }  # fmt: skip

    def _file(self, number: int) -> None:
        data = self.sea.jobs[number]["data"]
        asked = self.headers.get("range") or "bytes=0-"
        start = int(asked.removeprefix("bytes=").rstrip("-"))
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        if self.sea.cut_download_at and not start:
            self.wfile.write(data[: self.sea.cut_download_at])
            self.close_connection = True
            return
        self.wfile.write(data[start:])

    def _classify(self, body: Any) -> int:
        """Deprecated categories, former or new, fail the whole call, as does any other quality than V and D."""
        self.sea.classified.append(body)
        by_id = {one.id: one for one in self.sea.things}
        pairs = [(by_id[id], to) for id, to in zip(body["target_ids"], body["classifications"], strict=True)]
        bad = [to for one, to in pairs if to not in TAXA or "D" in (TAXA[to][2], TAXA.get(one.taxon, TAXA[1])[2])]
        if bad or body["wanted_qualification"] not in ("V", "D"):
            raise Refusal(500, "Traceback\n  in classify\nAssertionError: deprecated")
        changed = [(one, to) for one, to in pairs if (one.taxon, one.status) != (to, body["wanted_qualification"])]
        for one, to in changed:
            one.taxon, one.status, one.by = to, body["wanted_qualification"], "Ada Lovelace"
            one.at = "2026-06-01T00:00:00"
        return len(changed)


def taxon(number: int) -> dict[str, Any]:
    """As EcoTaxa tells a category: itself first in its lineage."""
    name, parent, status = TAXA[number]
    names, numbers = [name], [number]
    while parent is not None:
        names.append(TAXA[parent][0])
        numbers.append(parent)
        parent = TAXA[parent][1]
    return {
        "id": number, "name": name, "display_name": name, "type": "P", "status": status, "lineage": names,
        "id_lineage": numbers, "renm_id": None, "aphia_id": None, "rank": None, "nb_objects": 0, "children": [],
    }  # fmt: skip


WORDS = {"V": "validated", "P": "predicted", "D": "dubious"}


def export(kind: str, things: list[Thing], images: bool = True) -> bytes:
    """The zip of a backup, or of a general export with types row; a folder for each sample."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for sample in sorted({one.sample for one in things}):
            lines = [_header(kind)]
            for one in (one for one in things if one.sample == sample):
                if images:
                    archive.writestr(f"s{sample}/{one.orig_id}.png", picture(one.id % 1000))
                lines.append(_line(kind, one))
            if not images:
                lines = [line.split("\t", 2)[2] for told in lines for line in told.split("\n")]
            archive.writestr(f"s{sample}/ecotaxa_s{sample}.tsv", "\ufeff" + "\n".join(lines) + "\n")
    return out.getvalue()


def _header(kind: str) -> str:
    last = "object_annotation_category_id" if kind == "backup" else "object_annotation_hierarchy"
    names = [
        "img_file_name", "img_rank", "object_id", "object_lat", "object_annotation_status",
        "object_annotation_person_name", "object_annotation_date", "object_annotation_time",
        "object_annotation_category", last, "object_area", "sample_id", "acq_id",
    ]  # fmt: skip
    types = ["[t]", "[f]", "[t]", "[f]", "[t]", "[t]", "[t]", "[t]", "[t]", "[f]" if kind == "backup" else "[t]", "[f]"]
    return "\t".join(names) + "\n" + "\t".join([*types, "[t]", "[t]"])


def _line(kind: str, one: Thing) -> str:
    date, time = ("", "")
    if one.status in ("V", "D") and one.at:
        date, time = one.at[:10].replace("-", ""), one.at[11:19].replace(":", "")
    name = TAXA[one.taxon][0] if one.taxon else ""
    last = str(one.taxon or "") if kind == "backup" else ""
    if kind == "general" and one.taxon:
        last = ">".join(reversed(taxon(one.taxon)["lineage"]))
    words = [
        f"{one.orig_id}.png", "0", one.orig_id, "43.5", WORDS.get(one.status or "", ""), one.by or "", date, time,
        name, last, str(one.area or one.id % 100), f"s{one.sample}", f"a{one.sample}",
    ]  # fmt: skip
    return "\t".join(words)


class Remote:
    """The server at work on a free port of this machine."""

    def __init__(self, sea: Sea) -> None:
        self.sea = sea
        handler = type("Here", (Handler,), {"sea": sea})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
