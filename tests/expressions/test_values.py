"""Formulas on columns: each row's value, or why it has none."""

import time
from typing import Any

import numpy as np
import pytest

from app.expressions import Ref, Result, evaluate, parse
from app.expressions.values import LONGEST_TEXT

NAN = float("nan")


def run(text: str, **columns: Any) -> Result:
    """A formula on columns given by name: lists of numbers, or of texts and None."""
    found = {}
    for name, values in columns.items():
        is_text = any(isinstance(one, str) for one in values)
        found[Ref("", name)] = np.array(values, object if is_text else float)
    return evaluate(parse(text), found, len(next(iter(columns.values()))))


def told(result: Result) -> list[tuple[str, list[int]]]:
    return [(fault.says, fault.rows.tolist()) for fault in [*result.faults, *result.missing]]


def test_a_missing_number_gives_no_value_and_says_of_which_column() -> None:
    found = run("1 / (a * b)", a=[1, NAN, 2, NAN], b=[1, 1, NAN, NAN])
    assert found.values[0] == 1 and found.absent.tolist() == [False, True, True, True]
    assert told(found) == [("a is missing", [1, 3]), ("b is missing", [2])]


def test_texts_are_numbers_where_they_say_one() -> None:
    found = run("a * 2", a=[" 1.5 ", "NA", None, "-3e2", ""])
    assert found.values[[0, 3]].tolist() == [3, -600]
    assert told(found) == [("a is missing", [1, 2, 4])]


def test_a_text_where_a_number_is_due_is_told_with_its_rows() -> None:
    found = run("a + 1", a=["1", "1,5", "deep", "1,5", "0x1F", "1_000", "inf"])
    assert told(found) == [
        ("a is “0x1F”, which is no number", [4]),
        ("a is “1,5”, which is no number", [1, 3]),
        ("a is “1_000”, which is no number", [5]),
        ("a is a text, where a number is due", [2, 6]),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1 / a", "1 / a divides by zero"),
        ("5 % a", "5 % a divides by zero"),
        ("a / a", "a / a divides by zero"),
        ("log(a)", "log(a): only numbers above zero have a logarithm"),
        ("sqrt(a - 1)", "sqrt(a - 1): a number below zero has no square root"),
        ("(a - 1) ** 0.5", "(a - 1) ** 0.5: a number below zero has no such power"),
        ("exp(1000 + a)", "exp(1000 + a) is too large a number"),
        ("9 ** 9 ** 9 + a", "9 ** 9 ** 9 is too large a number"),
    ],
)
def test_what_has_no_result_is_a_fault_of_its_row(text: str, says: str) -> None:
    found = run(text, a=[0])
    assert told(found) == [(says, [0])]
    assert np.isnan(found.values).all()


def test_a_fault_beside_the_chosen_way_is_none() -> None:
    assert run("if(a = 0, 0, 1 / a)", a=[0, 4]).values.tolist() == [0, 0.25]
    assert told(run("if(a = 0, 0, 1 / a)", a=[0, 4])) == []
    assert told(run("a = 0 or 1 / a > 1", a=[0, 4])) == []
    assert told(run("a != 0 and 1 / a > 1", a=[0, 4])) == []


def test_what_is_missing_can_be_given_another_value() -> None:
    found = run("coalesce(a, b, 7)", a=["1", "NA", None], b=[NAN, 5, NAN])
    assert [float(one) for one in found.values] == [1, 5, 7]
    assert run("if(missing(a), -1, a)", a=[NAN, 2]).values.tolist() == [-1, 2]
    assert told(run("coalesce(a, b)", a=[NAN], b=[NAN])) == [("a is missing", [0])]


def test_texts_come_out_as_people_write_them() -> None:
    found = run("'net ' & a & '/' & b", a=[3, 0.25, NAN], b=["x", "y", "z"])
    assert found.is_text and found.values.tolist() == ["net 3/x", "net 0.25/y", None]


def test_a_text_cannot_grow_without_end() -> None:
    big = "x" * (LONGEST_TEXT // 2)
    grown = run("a & a & a", a=[big, "y"])
    assert grown.values.tolist() == [None, "yyy"]
    assert told(grown) == [("a & a & a has over 2,000 characters", [0])]
    assert run("replace(a, 'x', a)", a=[big]).values.tolist() == [None]


def test_deep_comparisons_are_reckoned_once() -> None:
    began = time.process_time()
    run("1 < (" * 25 + "a" + ")" * 25, a=["1"] * 100)
    assert time.process_time() - began < 2


def test_a_long_column_is_reckoned_at_once() -> None:
    rng = np.random.default_rng(1)
    area, pixel = rng.uniform(1, 9, 100_000), rng.uniform(1, 2, 100_000)
    text = "4/3*math.pi*(math.sqrt(area/math.pi)*pixel)**3"
    began = time.process_time()
    found = evaluate(parse(text), {Ref("", "area"): area, Ref("", "pixel"): pixel}, 100_000)
    assert time.process_time() - began < 1
    assert np.allclose(found.values, 4 / 3 * np.pi * (np.sqrt(area / np.pi) * pixel) ** 3)
