"""A worker that predicts five objects at a time and rests in between: `python -m tests.prediction.slow_worker`."""

import time
from typing import Any

from app.prediction import predicting

REST_S = 0.25


def main() -> None:
    """As any worker, for a test that kills it midway."""
    from app.settings import load_settings
    from app.worker import work

    write = predicting._write

    def slowly(*args: Any) -> None:
        write(*args)
        time.sleep(REST_S)

    predicting.PIECE, predicting._write = 5, slowly
    work(load_settings())


if __name__ == "__main__":
    main()
