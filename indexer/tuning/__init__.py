"""Trains an embedder on labelled images: a small network, fine-tuned within minutes, that comes out as one ONNX file.

`tune` in `run` is the whole of it: images and labels in, a folder with the file and its report out. Only `loop`,
`networks` and what they use need torch; everything else, and the embedder that comes out, does without.
"""

from indexer.tuning.data import LearningImages, TuningError
from indexer.tuning.plan import Settings

__all__ = ["LearningImages", "Settings", "TuningError"]
