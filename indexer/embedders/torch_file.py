"""Reads the tensors of a torch state_dict in the format of before torch 1.6, without torch and without running code.

The file is five pickles (magic number, protocol, system, the dictionary, the storages' keys) followed by each storage:
its number of elements as int64, then its values, little-endian. The unpickler knows the four names that such a file
needs, and refuses every other.
"""

import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

MAGIC = 0x1950A86A20F9469CFC6C
KINDS = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class Tensor(NamedTuple):
    """A view on a storage, read before the storage itself is."""

    storage: str
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


def read_state_dict(path: Path) -> dict[str, np.ndarray]:
    """Name to array. Raises ValueError where the file is not such a state_dict, or cut short."""
    try:
        with path.open("rb") as file:
            if _Unpickler(file).load() != MAGIC:
                raise ValueError("no torch file of the old format")
            for _ in ("protocol", "system"):
                _Unpickler(file).load()
            reader = _Unpickler(file)
            tensors = reader.load()
            storages = {key: _read_storage(file, reader.kinds[key]) for key in _Unpickler(file).load()}
    except (pickle.UnpicklingError, EOFError, KeyError, AttributeError, TypeError, IndexError) as error:
        raise ValueError(f"damaged torch file: {error}") from error
    return {name: _view(tensor, storages[tensor.storage]) for name, tensor in tensors.items()}


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: Any) -> None:
        super().__init__(file)
        self.kinds: dict[str, np.dtype] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, stride, *_: Tensor(storage, offset, shape, stride)
        if module == "torch" and name in KINDS:
            return KINDS[name]
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a file of weights")

    def persistent_load(self, pid: Any) -> str:
        _, kind, key, _, _, _ = pid
        self.kinds[key] = kind
        return key


def _read_storage(file: Any, kind: np.dtype) -> np.ndarray:
    count = int.from_bytes(file.read(8), "little")
    values = np.frombuffer(file.read(count * kind.itemsize), kind)
    if len(values) != count:
        raise EOFError("cut short")
    return values


def _view(tensor: Tensor, values: np.ndarray) -> np.ndarray:
    reach = tensor.offset + sum((n - 1) * step for n, step in zip(tensor.shape, tensor.stride, strict=True))
    if reach >= len(values):
        raise ValueError("damaged torch file: a tensor reaches beyond its storage")
    steps = [step * values.itemsize for step in tensor.stride]
    return np.lib.stride_tricks.as_strided(values[tensor.offset :], tensor.shape, steps, writeable=False).copy()
