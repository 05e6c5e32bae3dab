"""A small language for formulas over columns, `sample.tot_vol / acq.sub_part`: parsed here, run on whole columns.

It has numbers, texts, columns, operators and the functions below, and nothing else: no names of Python's, no loops, no
definitions. Length, depth and results are bounded. Formulas written for EcoTaxa (`4/3*math.pi*(obj.feret/2)**3`,
`1/ssm.sub_part`) are understood as they are.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import NoReturn

from app.errors import Refused
from app.nouns import counted

LONGEST, DEEPEST = 2_000, 60  # characters; operations within operations
QUOTED = 100  # characters of a formula, in a sentence
# What stands before a dot. `subsample` is the process's column, or the acquisition's: whichever has the name.
LEVELS = {
    "object": "object", "obj": "object",
    "sample": "sample", "sam": "sample",
    "acquisition": "acquisition", "acq": "acquisition",
    "process": "process",
    "subsample": "subsample", "ssm": "subsample",
}  # fmt: skip
CONSTANTS = {"pi": 3.141592653589793, "e": 2.718281828459045}
# Functions by name, with the fewest and the most arguments that they take.
FUNCTIONS = {
    "abs": (1, 1), "sqrt": (1, 1), "exp": (1, 1), "log": (1, 1), "log10": (1, 1), "log2": (1, 1), "pow": (2, 2),
    "sin": (1, 1), "cos": (1, 1), "tan": (1, 1), "asin": (1, 1), "acos": (1, 1), "atan": (1, 1), "radians": (1, 1),
    "round": (1, 2), "floor": (1, 1), "ceil": (1, 1), "min": (2, 20), "max": (2, 20),
    "if": (3, 3), "coalesce": (2, 20), "missing": (1, 1), "not": (1, 1),
    "number": (1, 1), "text": (1, 1), "lower": (1, 1), "upper": (1, 1), "trim": (1, 1), "length": (1, 1),
    "left": (2, 2), "right": (2, 2), "replace": (3, 3), "contains": (2, 2),
}  # fmt: skip
BINDS = {
    "or": 1, "and": 2, "=": 4, "!=": 4, "<": 4, "<=": 4, ">": 4, ">=": 4, "&": 5, "+": 6, "-": 6, "*": 7, "/": 7,
    "%": 7, "**": 9,
}  # fmt: skip
UNARY = 8  # -x ** 2 is -(x ** 2), and -x * 2 is (-x) * 2
NOT = 3
SAME = {"==": "=", "<>": "!=", "^": "**"}
TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<name>[^\W\d]\w*)
    |(?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*")
    |(?P<sign>\*\*|==|!=|<>|<=|>=|[-+*/%^&()<>=,.])
    |(?P<end>$)
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Ref:
    """A column that a formula names. `level`: object, sample, acquisition, process, subsample (the process's or the
    acquisition's), or empty where the formula names none. `typed`: as the formula has it."""

    level: str
    name: str
    typed: str = field(default="", compare=False)

    def __str__(self) -> str:
        said = self.name if re.fullmatch(r"[^\W\d]\w*", self.name) else '"' + self.name.replace('"', '""') + '"'
        return f"{self.level}.{said}" if self.level else said


@dataclass(frozen=True)
class Constant:
    value: float | str
    source: str


@dataclass(frozen=True)
class Column:
    ref: Ref
    source: str


@dataclass(frozen=True)
class Call:
    """An operator or a function, with what it is applied to, and the text that said so."""

    name: str
    args: tuple["Node", ...]
    source: str


Node = Constant | Column | Call


@dataclass(frozen=True)
class Expression:
    """A formula that was understood. `refs`: the columns it names, each once."""

    text: str
    root: Node
    refs: tuple[Ref, ...]


def parse(text: str) -> Expression:
    """The formula, or Refused with where and why it is not understood."""
    if len(text) > LONGEST:
        raise Refused(
            f"A formula has at most {LONGEST:,} characters, this one has {len(text):,}: shorten it.", status=422
        )
    root = _Parser(text).whole()
    return Expression(text, root, tuple(dict.fromkeys(_refs(root))))


def _refs(node: Node) -> Iterator[Ref]:
    if isinstance(node, Column):
        yield node.ref
    elif isinstance(node, Call):
        for arg in node.args:
            yield from _refs(arg)


@dataclass(frozen=True)
class _Token:
    kind: str
    said: str
    start: int
    end: int


class _Parser:
    """Reads one formula from left to right, by how strongly operators bind."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._read())
        self._at = 0
        self._depth = 0

    def _read(self) -> Iterator[_Token]:
        place = 0
        while True:
            found = TOKEN.match(self._text, place)
            if found is None:
                start = len(self._text) - len(self._text[place:].lstrip())
                sign = self._text[start]
                open_end = ": its other one is missing" if sign in "'\"" else ""
                self._refuse(f"the sign {sign} (character {start + 1}) is not understood{open_end}")
            kind = found.lastgroup or ""
            yield _Token(kind, found[kind], found.start(kind), found.end(kind))
            if kind == "end":
                return
            place = found.end()

    def _refuse(self, why: str, stop: str = ".") -> NoReturn:
        said = self._text.strip()
        said = said if len(said) <= QUOTED else said[: QUOTED - 1] + "…"
        raise Refused(f"The formula “{said}” cannot be read: {why}{stop}", status=422)

    def _unexpected(self, token: _Token, wanted: str) -> NoReturn:
        if token.kind == "end":
            self._refuse(f"it ends where {wanted} is due")
        self._refuse(f"“{token.said}” (character {token.start + 1}) stands where {wanted} is due")

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        token = self._next
        self._at += token.kind != "end"
        return token

    def _takes(self, said: str) -> bool:
        if self._next.kind in ("sign", "name") and self._next.said == said:
            self._at += 1
            return True
        return False

    def _due(self, said: str) -> None:
        if not self._takes(said):
            self._unexpected(self._next, f"“{said}”")

    def whole(self) -> Node:
        if self._next.kind == "end":
            raise Refused("The formula is empty: write one, as 1 / acq.sub_part.", status=422)
        root = self._expression(0)
        if self._next.kind != "end":
            self._unexpected(self._next, "an operator or the end")
        if _depth(root) > DEEPEST:
            self._refuse(f"it is nested more than {DEEPEST} deep: take parts of it apart")
        return root

    def _expression(self, binds: int) -> Node:
        """What follows, up to an operator that binds no stronger."""
        self._depth += 1
        if self._depth > DEEPEST:
            self._refuse(f"it is nested more than {DEEPEST} deep: take parts of it apart")
        start = self._next.start
        left = self._first()
        while (strength := BINDS.get(self._operator(), 0)) > binds:
            name = self._operator()
            self._take()
            # Powers are read from the right: 2 ** 3 ** 2 is 2 ** 9.
            right = self._expression(strength - 1 if name == "**" else strength)
            left = self._made(name, (left, right), start)
        self._depth -= 1
        return left

    def _operator(self) -> str:
        token = self._next
        return SAME.get(token.said, token.said) if token.kind in ("sign", "name") else ""

    def _made(self, name: str, args: tuple[Node, ...], start: int) -> Call:
        return Call(name, args, self._text[start : self._tokens[self._at - 1].end])

    def _first(self) -> Node:
        token = self._take()
        if token.kind == "number":
            return Constant(float(token.said), token.said)
        if token.kind == "text":
            return Constant(_unquoted(token.said), token.said)
        if token.kind == "name" and token.said == "not" and not self._calls():
            return self._made("not", (self._expression(NOT),), token.start)
        if token.kind == "name" and token.said not in BINDS:
            return self._named(token)
        if token.said == "(":
            inside = self._expression(0)
            self._due(")")
            return inside
        if token.said in ("-", "+"):
            inside = self._expression(UNARY)
            return inside if token.said == "+" else self._made("negative", (inside,), token.start)
        self._unexpected(token, "a number, a column or a function")

    def _calls(self) -> bool:
        return self._next.kind == "sign" and self._next.said == "("

    def _named(self, token: _Token) -> Node:
        """A constant, a column or a call, of which the first word was taken."""
        level, name = "", token.said
        if self._takes("."):
            after = self._take()
            if after.kind not in ("name", "text"):
                self._unexpected(after, f"the name of a column of “{name}”, in quotation marks where it has signs,")
            level, name = name.lower(), after.said if after.kind == "name" else _unquoted(after.said)
        if level == "math":  # as Python's formulas have it
            level = ""
        if not level and self._calls():
            return self._call(name.lower(), token)
        source = self._text[token.start : self._tokens[self._at - 1].end]
        if not level and name.lower() in CONSTANTS:
            return Constant(CONSTANTS[name.lower()], source)
        if level and level not in LEVELS:
            self._refuse(f"“{level}.” is none of object., sample., acquisition., process. and ssm.")
        return Column(Ref(LEVELS[level] if level else "", name, source), source)

    def _call(self, name: str, token: _Token) -> Node:
        if name not in FUNCTIONS:
            near = get_close_matches(name, FUNCTIONS, 1)
            meant = f" Did you mean “{near[0]}”?" if near else f" There are: {', '.join(sorted(FUNCTIONS))}."
            self._refuse(f"there is no function “{name}”.{meant}", "")
        self._due("(")
        args = []
        if not self._takes(")"):
            args.append(self._expression(0))
            while self._takes(","):
                args.append(self._expression(0))
            self._due(")")
        fewest, most = FUNCTIONS[name]
        if not fewest <= len(args) <= most:
            takes = counted(fewest, "value") if fewest == most else f"{fewest} to {most} values"
            self._refuse(f"“{name}” takes {takes} in its parentheses, not {len(args)}")
        return self._made(name, tuple(args), token.start)


def _depth(node: Node) -> int:
    """How deep a tree is, level by level: a long sum is as deep as it is long."""
    depth, level = 0, [node]
    while level:
        depth += 1
        level = [arg for one in level if isinstance(one, Call) for arg in one.args]
    return depth


def _unquoted(said: str) -> str:
    return said[1:-1].replace(said[0] * 2, said[0])
