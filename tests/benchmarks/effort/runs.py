"""One run: a fresh project, a person's process that sorts it, and the diary that is kept and not written twice."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.effort import diary as diaries
from tests.benchmarks.effort.diary import Diary
from tests.benchmarks.effort.forest import Forest
from tests.benchmarks.effort.learning import Learning
from tests.benchmarks.effort.measures import Ledger
from tests.benchmarks.effort.scratch import Chosen, Ready, Scratch, fingerprint

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Setting:
    """Where runs happen and are kept."""

    scratch: Scratch
    chosen: Chosen
    original: int
    reference: int | None  # a project of labelled images that there is from the beginning
    n_reference: int  # of them
    folder: Path
    seed: int
    code: str  # stands for the code that was measured

    def run(self, strategy: str, settings: dict[str, Any], errs: bool = True) -> Diary:
        """The diary of this strategy with these settings, from an earlier call where there was one."""
        key = fingerprint(
            strategy=strategy, settings=settings, errs=errs, seed=self.seed, code=self.code, n=self.n_reference
        )
        kept = self.folder / f"{strategy}-{key}.json"
        if not kept.exists():
            said = " ".join(f"{name}={value}" for name, value in settings.items())
            print(f"{strategy} {said}{'' if errs else ' without errors'}", file=sys.stderr, flush=True)
            self._run(strategy, settings, errs, kept)
        return diaries.read(kept)

    def _run(self, strategy: str, settings: dict[str, Any], errs: bool, kept: Path) -> None:
        ready = self.scratch.fresh_project(kept.stem, self.original, self.chosen, self.reference)
        forest = Forest(self.scratch.address, ready.manager_token, ready.id, self.seed, self.reference)
        learning = Learning(self.scratch, ready.id, self.reference)
        fresh = kept.with_suffix(".new")
        task = {
            "url": self.scratch.address, "token": ready.annotator_token, "project_id": ready.id, "seed": self.seed,
            "strategy": strategy, "settings": settings, "errs": errs, "diary": str(fresh),
            "truth": str(self.folder / "truth.json"), "n_reference": self.n_reference,
        }  # fmt: skip
        sit_down(task, {"training": forest.train, "learn": learning.learn, "show": learning.show})
        written = diaries.read(fresh)
        check(written, self.scratch, ready)
        written.notes["agreement"] = round(forest.agreement(ready.classes), 4)
        written.save(kept)
        fresh.unlink()


def sit_down(task: dict[str, Any], programs: dict[str, Callable[[str], float]]) -> None:
    """Start the person's process, and do for it what programs do, by what it asks for."""
    command = [sys.executable, "-m", "tests.benchmarks.effort.annotator"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as person:
        assert person.stdin and person.stdout
        person.stdin.write(json.dumps(task) + "\n")
        for line in person.stdout:
            wish = json.loads(line)
            if wish["what"] not in programs:
                raise SystemExit(f"The person asks for {wish['what']}, which nobody does here.")
            person.stdin.write(f"{programs[wish['what']](wish['how']):.3f}\n")
        if person.wait() != 0:
            raise SystemExit("The simulated person's process failed.")


def check(written: Diary, scratch: Scratch, ready: Ready) -> None:
    """What the person wrote down is what the server holds, and every image's true class what it really is."""
    ledger = Ledger()
    for kind, unseen, value in written.entries:
        if kind == "labels":
            ledger.take(value, unseen)
    said = {object_id: name for object_id, (name, _, _) in ledger.said.items()}
    held = scratch.labels(ready.id)
    if said != held:
        differ = [key for key in said.keys() | held.keys() if said.get(key) != held.get(key)]
        raise SystemExit(f"The diary and the server differ in {len(differ):,} objects, the first {differ[:5]}.")
    for kind, _, value in written.entries:
        if kind == "labels" and any(ready.classes[object_id] != true for object_id, _, true in value):
            raise SystemExit("A true class in the diary is not that of the file.")
