"""The registry of embedders: a name to something that turns images into vectors, each kind in a module of its own.

- `lite0-128-rot4` (the default), `lite0-128`: built in, see lite0
- `open_clip:ARCH:PRETRAINED`, `local-dir:/folder`: any open_clip model, see clip
- `onnx:/path/to/manifest.toml`: an ONNX file with its preprocessing, see onnx_file
- `tuned:DIGEST`: trained here on labels, one ONNX file in the weights' folder, see tuned
- `vectors:/path/to/manifest.toml`, or a .npy or .parquet file: made elsewhere, see brought
"""

from pathlib import Path

from indexer.embedders.base import Embedder, EmbedderError

__all__ = ["BUILT_IN", "DEFAULT", "Embedder", "EmbedderError", "get", "needs_torch"]

DEFAULT = "lite0-128-rot4"
BUILT_IN = ("lite0-128-rot4", "lite0-128")


def get(spec: str, weights_dir: Path, device: str = "auto", threads: int = 0) -> Embedder:
    """The embedder that `spec` names, loaded and ready.

    `weights_dir` is where files made from weights are kept; `device` is "auto", "cpu" or "cuda"; `threads` are the
    model's own (0: one per core). Raises EmbedderError, whose text says what is wrong and what to do.
    """
    kind, _, rest = spec.partition(":")
    if spec in BUILT_IN:
        from indexer.embedders import lite0

        return lite0.Lite0(spec, weights_dir, device, threads)
    if needs_torch(spec):
        from indexer.embedders import clip

        return clip.OpenClip(spec, device, threads)
    if kind == "onnx" and rest:
        from indexer.embedders import onnx_file

        return onnx_file.OnnxFile(Path(rest), device, threads)
    if kind == "tuned" and rest:
        from indexer.embedders import tuned

        return tuned.Tuned(spec, weights_dir, device, threads)
    if kind == "vectors" and rest:
        from indexer.embedders import brought

        return brought.BroughtVectors(Path(rest))
    raise EmbedderError(
        f"There is no embedder {spec!r}. Say one of {', '.join(BUILT_IN)}, open_clip:ARCH:PRETRAINED,"
        " local-dir:/folder, onnx:/manifest.toml, tuned:DIGEST or vectors:/file."
    )


def needs_torch(spec: str) -> bool:
    """Whether the embedder can only run where torch may be loaded: in workers."""
    return spec.partition(":")[0] in ("open_clip", "local-dir")
