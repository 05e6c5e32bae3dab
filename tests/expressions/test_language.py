"""What formulas are understood, and what is said of those that are not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Refused
from app.expressions import Ref, evaluate, parse
from app.expressions.language import DEEPEST, LONGEST


def value(text: str) -> float | str:
    found: float | str = evaluate(parse(text), {}, 1).values[0]
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("2 ** 3 ** 2", 512),
        ("2 ^ 3", 8),
        ("-2 ** 2", -4),
        ("2 ** -1", 0.5),
        ("-2 * 3", -6),
        ("10 - 4 - 3", 3),
        ("8 / 4 / 2", 1),
        ("7 % 4", 3),
        ("1e-3 * .5", 0.0005),
        ("math.sqrt(16) + sqrt(9)", 7),
        ("round(math.pi, 2)", 3.14),
        ("min(3, 1, 2) + max(4, 5)", 6),
        ("1 < 2 and not 2 >= 3", 1),
        ("1 = 2 or 1 <> 1", 0),
        ("'a' = 'a'", 1),
        ("if(2 > 1, 'deep', 'shallow')", "deep"),
        ("'net ' & 1 + 2", "net 3"),
        ("upper(left('copepod', 3)) & \"it's\"", "COPit's"),
        ("replace(trim(' a-b '), '-', '_')", "a_b"),
        ("length('abc') + number('2')", 5),
        ("contains('Multinet', 'NET')", 1),
    ],
)
def test_it_reckons_as_on_paper(text: str, expected: float | str) -> None:
    assert value(text) == (pytest.approx(expected) if isinstance(expected, (int, float)) else expected)


def test_columns_are_named_by_their_level_long_or_short_and_by_signs_in_quotation_marks() -> None:
    found = parse('obj.area + object."%area" * sam.vol / ssm.sub_part + acq."a ""b""" + depth')
    assert found.refs == (
        Ref("object", "area"),
        Ref("object", "%area"),
        Ref("sample", "vol"),
        Ref("subsample", "sub_part"),
        Ref("acquisition", 'a "b"'),
        Ref("", "depth"),
    )
    assert [str(ref) for ref in found.refs[1:]] == [
        'object."%area"', "sample.vol", "subsample.sub_part", 'acquisition."a ""b"""', "depth",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "The formula is empty"),
        ("1 +", "it ends where a number, a column or a function is due"),
        ("(1", "it ends where “)” is due"),
        ("1 2", "“2” (character 3) stands where an operator or the end is due"),
        ("sqr(2)", "there is no function “sqr”. Did you mean “sqrt”?"),
        ("sqrt(1, 2)", "“sqrt” takes 1 value in its parentheses, not 2"),
        ("net.vol", "“net.” is none of object., sample., acquisition., process. and ssm."),
        ("'abc", "the sign ' (character 1) is not understood: its other one is missing"),
        ("a @ b", "the sign @ (character 3) is not understood"),
        ("and 1", "“and” (character 1) stands where"),
        ("(" * (DEEPEST + 1) + "1", "nested more than"),
        ("1" + "+1" * DEEPEST, "nested more than"),
        ("-" * DEEPEST + "1", "nested more than"),
        ("1+" * LONGEST, "A formula has at most 2,000 characters, this one has 4,000"),
    ],
)
def test_what_it_cannot_read_is_told_with_its_place(text: str, says: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(text)
    assert says in refused.value.sentence and refused.value.status == 422


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('id')",
        "().__class__",
        "object.__class__.__mro__",
        "open('/etc/passwd')",
        "[x for x in 1]",
        "lambda: 1",
        "eval('1')",
        "a := 1",
        "9 ** 9 ** 9 ** 9; 1",
    ],
)
def test_nothing_of_python_is_in_it(text: str) -> None:
    with pytest.raises(Refused):
        parse(text)


@given(st.text(alphabet="ab1.,()+-*/%^&<>='\" objsamifnotand\n\\é²", max_size=60))
def test_whatever_is_typed_is_read_or_refused(text: str) -> None:
    try:
        found = parse(text)
    except Refused as refused:
        assert len(refused.sentence) < 600
    else:
        texts = np.array(["x", None, "2"], object)
        assert len(evaluate(found, dict.fromkeys(found.refs, texts), 3).values) == 3
