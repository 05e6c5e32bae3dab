"""The simulated annotator's process: it holds a URL, a token and what is on each image, and imports nothing of Shoal.

`python -m tests.benchmarks.effort.annotator` reads its task from the first line of standard input as JSON. Where it
needs something that a program does (train a forest), it writes a line and reads the answer. The diary goes into a file.
"""

import json
import sys
from pathlib import Path
from typing import Any

from tests.benchmarks.effort.client import Shoal
from tests.benchmarks.effort.diary import Diary
from tests.benchmarks.effort.person import Person
from tests.benchmarks.effort.strategies import STRATEGIES


def main() -> None:
    task = json.loads(sys.stdin.readline())
    diary = Diary()
    shoal = Shoal(task["url"], task["token"], task["project_id"], task["seed"], diary)
    truth = json.loads(Path(task["truth"]).read_text())
    person = Person(shoal, truth, task["seed"], task["errs"], ask, task["n_reference"])
    STRATEGIES[task["strategy"]](person, task["settings"])
    diary.save(Path(task["diary"]))


def ask(what: str, how: Any) -> float:
    """Have the benchmark do something; returns the seconds that it took."""
    print(json.dumps({"what": what, "how": how}), flush=True)
    answer = sys.stdin.readline()
    if not answer:
        raise SystemExit("The benchmark has gone.")
    return float(json.loads(answer))


if __name__ == "__main__":
    main()
