"""Sorting whole numbers by their digits."""

import numpy as np


def argsort(values: np.ndarray) -> np.ndarray:
    """A stable order; whole numbers that span 32 bits in two passes by 16 bits, of which numpy makes a radix sort."""
    if values.dtype.kind not in "iu" or not len(values):
        return np.argsort(values, kind="stable")
    low = int(values.min())
    if int(values.max()) - low >= 2**32:
        return np.argsort(values, kind="stable")
    shifted = (values.astype(np.int64) - low).astype(np.uint32)
    order = np.argsort(shifted.astype(np.uint16), kind="stable")
    high = (shifted >> 16).astype(np.uint16)
    return order if not high.any() else order[np.argsort(high[order], kind="stable")]
