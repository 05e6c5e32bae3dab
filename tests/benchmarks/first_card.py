"""How soon after an import the first card can be sorted: python -m tests.benchmarks.first_card [--objects 20000].

Pictures without labels are imported into a scratch server, whose worker embeds them as it would for anybody; a person
asks for the cards until there are some. The last line is one JSON object.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
import numpy as np

from app import database
from app.accounts.queries import make_account
from app.accounts.tokens import make_token
from app.projects.queries import make_project
from tests.benchmarks.effort.scratch import Scratch, serving
from tests.benchmarks.search import fresh_home, log
from tests.benchmarks.site import picture

ASK_EVERY_S = 0.5
GIVES_UP_S = 3600


@dataclass(frozen=True)
class Waited:
    """Seconds from the import's end until there were cards, of how many objects; and until those of all were there."""

    objects: int
    first_card_s: float
    n_in_first_cards: int
    all_cards_s: float


def write_pictures(folder: Path, n: int) -> Path:
    folder.mkdir(parents=True)
    for k in range(n):
        (folder / f"{k:06}.png").write_bytes(picture(np.random.default_rng(k)))
    return folder


def measure(scratch: Scratch, folder: Path, n: int) -> Waited:
    """Import the folder into a project of its own, and wait."""
    with database.connect(scratch.url) as db:
        account_id = make_account(db, "person@first.example.org", "Person", is_application_manager=True)
        project_id = make_project(db, account_id, "First")
        token = make_token(db, account_id, "first card", "full", 1)[1]
    command = [sys.executable, "-m", "app.cli", "import", str(folder), "--project", str(project_id)]
    told = {"SHOAL_HOME": str(scratch.settings.home), "SHOAL_LOG_LEVEL": "ERROR"}
    subprocess.run(command, env=dict(own_environment(), **told), check=True, stdout=subprocess.DEVNULL)
    begun, first, n_first = time.monotonic(), 0.0, 0
    log(f"{n:,} images imported")
    with httpx.Client(base_url=f"{scratch.address}/api/v1/projects/{project_id}", timeout=60) as client:
        client.headers["authorization"] = f"Bearer {token}"
        while (waited := time.monotonic() - begun) < GIVES_UP_S:
            answer = client.get("/clusters", params={"limit": 1})
            told_now = answer.json() if answer.is_success else {"n_cards": 0}
            if told_now["n_cards"] and not first:
                first, n_first = waited, told_now["n_left"]
                log(f"first cards, of {n_first:,} objects, after {first:.1f} s")
            if first and told_now["run"]["state"] == "complete":
                return Waited(n, round(first, 1), n_first, round(waited, 1))
            time.sleep(ASK_EVERY_S)
    raise SystemExit("There were no cards within an hour.")


def own_environment() -> dict[str, str]:
    """This process's environment without what would lead to another database."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("SHOAL_", "DATABASE_URL"))}


def measure_in_scratch(n: int, folder: Path | None = None) -> Waited:
    """The same with a server and pictures of its own, which are removed."""
    with fresh_home(folder) as home:
        pictures = write_pictures(home / "pictures", n)
        with serving(home / "shoal") as scratch:
            return measure(scratch, pictures, n)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=20_000)
    parser.add_argument("--folder", type=Path, help="where all of it is made; default: the temporary folder")
    given = parser.parse_args()
    print(json.dumps(asdict(measure_in_scratch(given.objects, given.folder))))


if __name__ == "__main__":
    main()
