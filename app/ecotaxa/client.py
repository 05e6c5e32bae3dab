"""EcoTaxa's public API, as far as a project is taken in and its labels are sent back: one sentence for each trouble."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from app.errors import Forbidden, NotFound, Refused

WINDOW = 10_000  # objects a question
CLASSIFIED_AT_ONCE = 1_000
TAXA_AT_ONCE = 100
ATTEMPTS = 6
LONGEST_WAIT_S = 60.0
POLL_S = 5.0
BUSY = (429, 502, 503, 504)
FIELDS = "obj.orig_id,obj.classif_qual,obj.classif_id,obj.classif_date,usr.name"
PROJECT_PATH = re.compile(r"/(?:gui/)?prj/(\d+)/?$")


class RemoteObject(NamedTuple):
    """An object as EcoTaxa has it now; `status` is P, D or V, or nothing."""

    id: int
    sample_id: int | None
    orig_id: str
    status: str | None
    taxon_id: int | None
    at: datetime | None
    by: str | None


@dataclass(frozen=True)
class RemoteJob:
    """A job there: `state` is P, R, A, E or F."""

    id: int
    state: str
    percent: int
    message: str
    errors: list[str]


def read_address(text: str) -> tuple[str, int | None]:
    """The server of an address, and the project's number where it is the address of a project's page."""
    try:
        url = httpx.URL(text.strip())
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host or url.userinfo:
        raise Refused(
            f"“{text[:100]}” is no address of an EcoTaxa: write it like https://ecotaxa.obs-vlfr.fr/prj/1234.",
            status=422,
        )
    place = PROJECT_PATH.search(url.path)
    path = PROJECT_PATH.sub("", url.path).rstrip("/").removesuffix("/api")
    return f"{url.scheme}://{url.netloc.decode()}{path}", int(place[1]) if place else None


class EcoTaxa:
    """One server, asked with one person's token. `checkpoint` is called while it waits, and may raise."""

    def __init__(
        self, address: str, token: str, checkpoint: Callable[[], None] | None = None, poll_s: float = POLL_S
    ) -> None:
        self.address, self.poll_s = address, poll_s
        self._checkpoint = checkpoint or (lambda: None)
        # Redirects would carry the token to wherever they lead.
        self._http = httpx.Client(
            base_url=f"{address}/api/",
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=httpx.Timeout(120, connect=15),
            follow_redirects=False,
        )

    def close(self) -> None:
        self._http.close()

    def log_in(self, email: str, password: str) -> str:
        """A token for a person, as EcoTaxa gives it for a month."""
        answer = self._ask("POST", "login", json={"username": email, "password": password})
        if not isinstance(answer, str):
            raise self._strange()
        return answer

    def project_title(self, project_id: int) -> str:
        project = self._ask("GET", f"projects/{project_id}")
        return str(self._part(project, "title"))

    def objects(self, project_id: int) -> Iterator[list[RemoteObject]]:
        """All objects of a project in the order of their numbers, a window after another."""
        start = 0
        while True:
            window = {"window_start": start, "window_size": WINDOW, "order_field": "obj.objid", "fields": FIELDS}
            found = self._ask("POST", f"object_set/{project_id}/query", params=window, json={})
            rows = self._rows(found)
            if rows:
                yield rows
            start += len(rows)
            if not rows or start >= int(self._part(found, "total_ids")):
                return

    def _rows(self, found: Any) -> list[RemoteObject]:
        ids, samples, details = (self._part(found, name) for name in ("object_ids", "sample_ids", "details"))
        try:
            return [
                RemoteObject(int(id), sample, str(told[0]), told[1], told[2], _moment(told[3]), told[4])
                for id, sample, told in zip(ids, samples, details, strict=True)
            ]
        except (TypeError, ValueError, IndexError, KeyError) as error:
            raise self._strange() from error

    def taxa(self, ids: Sequence[int]) -> list[dict[str, Any]]:
        """What it says of categories; those that it does not know are missing."""
        found: list[dict[str, Any]] = []
        for first in range(0, len(ids), TAXA_AT_ONCE):
            some = "+".join(map(str, ids[first : first + TAXA_AT_ONCE]))
            answer = self._ask("GET", f"taxon_set/query?ids={some}")
            if not isinstance(answer, list) or not all(isinstance(one, dict) and "id" in one for one in answer):
                raise self._strange()
            found += answer
        return found

    def begin_export(self, project_id: int, samples: Sequence[int] = (), images: bool = True) -> int:
        """Have a project, or some of its samples, written into a file, or only its tables; the number of the job there.

        A backup is for managers there, and always of the whole project; whoever may only read gets the general export,
        which tells the same of objects, images and labels.
        """
        if images and not samples:
            try:
                return self._begin("backup", {"project_id": project_id, "out_to_ftp": False}, {})
            except Forbidden:
                pass
        request = {
            "project_id": str(project_id), "split_by": "sample", "with_images": "all" if images else "none",
            "with_internal_ids": False, "with_types_row": True, "only_annotations": False, "out_to_ftp": False,
        }  # fmt: skip
        return self._begin("general", request, {"samples": ",".join(map(str, samples))} if samples else {})

    def _begin(self, kind: str, request: dict[str, Any], filters: dict[str, str]) -> int:
        answer = self._ask("POST", f"object_set/export/{kind}", json={"filters": filters, "request": request})
        if errors := answer.get("errors") if isinstance(answer, dict) else None:
            raise Refused(f"EcoTaxa does not export the project: {'; '.join(map(str, errors[:3]))}.")
        return int(self._part(answer, "job_id"))

    def job(self, job_id: int) -> RemoteJob:
        told = self._ask("GET", f"jobs/{job_id}/")
        errors = [str(line) for line in told.get("errors") or []] if isinstance(told, dict) else []
        percent, message = told.get("progress_pct"), told.get("progress_msg")
        return RemoteJob(job_id, str(self._part(told, "state")), int(percent or 0), str(message or ""), errors)

    def wait_for(self, job_id: int, told: Callable[[RemoteJob], None]) -> None:
        """Until a job there has ended well; refused where it failed or asks."""
        while True:
            job = self.job(job_id)
            if job.state == "F":
                return
            if job.state in ("E", "A"):
                why = job.errors[0] if job.errors else job.message or "it does not say why"
                raise Refused(f"EcoTaxa's job {job_id} did not end well: {why}. Look at it there, and pull again.")
            told(job)
            self.pause(self.poll_s)

    def end_job(self, job_id: int) -> None:
        """A job whose result nobody waits for any more is stopped there, where that can be."""
        self._http.delete(f"jobs/{job_id}", timeout=10)

    def download(self, job_id: int, path: Path, told: Callable[[int, int | None], None]) -> None:
        """A job's file; what is there of it from an earlier attempt is not fetched again."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._fetch(job_id, path, told)
            except httpx.TransportError as error:
                if attempt == ATTEMPTS:
                    raise self._silent(error) from error
                self.pause(_wait_s(attempt, None))

    def _fetch(self, job_id: int, path: Path, told: Callable[[int, int | None], None]) -> None:
        have = path.stat().st_size if path.exists() else 0
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        with self._http.stream("GET", f"jobs/{job_id}/file", headers=headers) as answer:
            if answer.status_code == 416:
                return
            if answer.status_code not in (200, 206):
                answer.read()
                raise self._refusal(answer)
            have = have if answer.status_code == 206 else 0
            length = answer.headers.get("content-length")
            total = have + int(length) if length and length.isdigit() else None
            with _written(path, "ab" if have else "wb") as file:
                for piece in answer.iter_bytes():
                    file.write(piece)
                    have += len(piece)
                    told(have, total)

    def classify(self, object_ids: list[int], taxon_ids: list[int], status: str) -> int:
        """Say of objects what they are; how many of them that changed."""
        said = {"target_ids": object_ids, "classifications": taxon_ids, "wanted_qualification": status}
        answer = self._ask("POST", "object_set/classify", json=said)
        if not isinstance(answer, int):
            raise self._strange()
        return answer

    def pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._checkpoint()
            time.sleep(min(left, 0.5))
        self._checkpoint()

    def _ask(self, method: str, path: str, **sent: Any) -> Any:
        """The answer; where the server is busy or does not answer, a few times, each after a longer wait."""
        for attempt in range(1, ATTEMPTS + 1):
            self._checkpoint()
            try:
                answer = self._http.request(method, path, **sent)
            except httpx.TransportError as error:
                if attempt == ATTEMPTS:
                    raise self._silent(error) from error
                self.pause(_wait_s(attempt, None))
                continue
            if answer.status_code not in BUSY or attempt == ATTEMPTS:
                return self._read(answer)
            self.pause(_wait_s(attempt, answer.headers.get("retry-after")))
        raise AssertionError("the last attempt returns or raises")

    def _read(self, answer: httpx.Response) -> Any:
        if answer.status_code != 200:
            raise self._refusal(answer)
        try:
            return answer.json()
        except ValueError:
            raise self._strange() from None

    def _refusal(self, answer: httpx.Response) -> Refused:
        """What a status means for the person who asked."""
        code = answer.status_code
        if code in (401, 403):
            return Forbidden(
                f"{self.address} does not let this token do that: it may be over (they last 31 days), or give too"
                " little right to the project. Log in there anew, or ask the project's manager there."
            )
        if code == 404:
            return NotFound(f"{self.address} has no such project or file any more, or does not show it to this token.")
        if code in BUSY:
            return Refused(f"{self.address} is busy and takes no more questions now ({code}): try again later.", 503)
        return Refused(f"{self.address} could not do it ({code}): {_first_line(answer)}", 502)

    def _silent(self, error: Exception) -> Refused:
        why = str(error) or type(error).__name__
        return Refused(f"{self.address} does not answer ({why}). Look whether the address is right, or try later.", 503)

    def _strange(self) -> Refused:
        return Refused(f"{self.address} answers otherwise than EcoTaxa does: look whether the address is right.", 502)

    def _part(self, answer: Any, name: str) -> Any:
        if not isinstance(answer, dict) or answer.get(name) is None:
            raise self._strange()
        return answer[name]


@contextmanager
def _written(path: Path, mode: str) -> Iterator[Any]:
    try:
        with path.open(mode) as file:
            yield file
    except OSError as error:
        raise Refused(
            f"What EcoTaxa sends cannot be kept ({error.strerror}): make room in {path.parent}, and pull again."
        ) from error


def _wait_s(attempt: int, retry_after: str | None) -> float:
    """As long as the server asks, within reason; else twice as long each time."""
    asked = float(retry_after) if retry_after and retry_after.isdigit() else 0.5 * 2**attempt
    return min(asked, LONGEST_WAIT_S)


def _moment(text: Any) -> datetime | None:
    """EcoTaxa's clock is UTC, and does not say so."""
    if not text:
        return None
    moment = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _first_line(answer: httpx.Response) -> str:
    """Of what it says; failed assertions come with a whole trace."""
    try:
        told = answer.json()
        detail = told.get("detail") if isinstance(told, dict) else told
    except ValueError:
        detail = answer.text
    lines = [line.strip() for line in str(detail or "").splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it does not say why."
