"""Formulas that people write over columns: understood, and run on whole columns at once, never as Python."""

from app.expressions.language import Expression, Ref, parse
from app.expressions.values import Fault, Result, evaluate

__all__ = ["Expression", "Fault", "Ref", "Result", "evaluate", "parse"]
