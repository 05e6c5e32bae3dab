"""ONNX Runtime as Shoal uses it: no spinning threads beside a busy database, the GPU where there is one."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from indexer.embedders.base import EmbedderError


def choose_device(wanted: str) -> str:
    """What "auto" means here, "cuda" where ONNX Runtime can use a GPU; "cpu" and "cuda" as they are, if they can be."""
    there = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    if wanted == "cuda" and not there:
        raise EmbedderError("ONNX Runtime finds no GPU here. Install onnxruntime-gpu, or let models run on the cpu.")
    return "cuda" if there and wanted != "cpu" else "cpu"


class Session:
    """One ONNX model, loaded: arrays in by input name, arrays out."""

    def __init__(self, path: Path, device: str, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        providers = ["CPUExecutionProvider"]
        if device == "cuda":
            providers.insert(0, "CUDAExecutionProvider")
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=providers)
        except Exception as error:  # its errors share no base class
            raise EmbedderError(f"{path} is not an ONNX model that can run here: {_first_line(error)}") from error

    @property
    def device(self) -> str:
        """Where it runs: ONNX Runtime goes back to the CPU by itself where the GPU's own libraries are missing."""
        return "cuda" if "CUDAExecutionProvider" in self._session.get_providers() else "cpu"

    @property
    def inputs(self) -> list[Any]:
        return self._session.get_inputs()

    @property
    def outputs(self) -> list[Any]:
        return self._session.get_outputs()

    @property
    def metadata(self) -> dict[str, str]:
        """What the file says of itself."""
        return dict(self._session.get_modelmeta().custom_metadata_map)

    def run(self, output: str, **arrays: np.ndarray) -> np.ndarray:
        return self._session.run([output], arrays)[0]


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200]
