"""What the page of a batch says of its boundary line."""

from typing import Any

import pytest

from app.batches.batch import Batch
from app.batches.page import PageInHand
from app.batches.pages import line_words


class Batched(Batch):
    """Only its taxon is asked for."""

    def __init__(self) -> None:
        object.__setattr__(self, "taxon", "Oithona")


def page(chances: list[float], line: int, **basis: Any) -> PageInHand:
    return PageInHand(Batched(), 1, [{"chance": chance} for chance in chances], line, {"kind": "pairs", **basis})


@pytest.mark.parametrize(
    ("chances", "line", "words"),
    [
        ([0.9, 0.4], 1, "chance of Oithona falls under one half here"),
        ([0.9, 0.8], 2, "chance of Oithona is over one half on this whole page"),
        ([0.3, 0.2], 0, "chance of Oithona is under one half on this whole page"),
        ([0.9, 0.4], 2, ""),
    ],
)
def test_the_line_says_what_is_true_of_the_page_and_nothing_once_it_was_moved(
    chances: list[float], line: int, words: str
) -> None:
    assert line_words(page(chances, line)) == words


def test_the_line_says_that_a_reference_project_tells() -> None:
    assert line_words(page([0.9, 0.4], 1, reference=3)).endswith("here, by what a reference project tells")
