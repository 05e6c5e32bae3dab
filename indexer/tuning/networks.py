"""The networks that can be trained: the default embedder's, any of timm, any image half of open_clip's.

- `lite0`: EfficientNet-Lite0, from the default embedder's weights
- `timm:NAME`, `timm:NAME:/path/weights`, `timm:NAME:random`: by its name there, with the hub's weights, a file's, none
- `open_clip:ARCH:PRETRAINED`: as open_clip embedders are named
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from indexer.embedders import lite0
from indexer.embedders.base import EmbedderError
from indexer.embedders.clip import INSTALL
from indexer.tuning.data import TuningError

DEFAULT_NETWORK = "lite0"
NO_TORCH = f"Training an embedder needs torch, which is not installed here: {INSTALL}."
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass
class Network:
    """A torch module from float [n, 3, s, s], normalised, to features [n, width]; `side_px` where it takes one only."""

    spec: str
    module: Any
    width: int
    mean: tuple[float, float, float] = IMAGENET[0]
    std: tuple[float, float, float] = IMAGENET[1]
    side_px: int | None = None


def import_torch() -> Any:
    """torch, or TuningError with the command that installs it."""
    try:
        import torch
    except ImportError as error:
        raise TuningError(NO_TORCH) from error
    return torch


def open_network(spec: str) -> Network:
    """Raises TuningError for one that is not there."""
    import_torch()
    kind, _, rest = spec.partition(":")
    if spec == DEFAULT_NETWORK:
        return _lite0()
    if kind == "timm" and rest:
        return _timm(spec, rest)
    if kind == "open_clip" and rest:
        return _open_clip(spec)
    raise TuningError(
        f"There is no network {spec!r} to train. Say lite0, timm:NAME (or timm:NAME:/path/weights) or"
        " open_clip:ARCH:PRETRAINED."
    )


def _lite0() -> Network:
    from indexer.tuning.lite0_torch import Lite0

    try:
        weights: dict[str, np.ndarray] = lite0.read_weights()
    except EmbedderError as error:
        raise TuningError(str(error)) from error
    return Network(DEFAULT_NETWORK, Lite0(weights), lite0.WIDTH)


def _timm(spec: str, rest: str) -> Network:
    from indexer.embedders.clip import import_torchvision

    name, _, weights = rest.partition(":")
    try:
        import_torchvision()
        import timm

        made = timm.create_model(
            name,
            pretrained=not weights,
            checkpoint_path="" if weights in ("", "random") else weights,
            num_classes=0,
        )
    except (ImportError, EmbedderError) as error:
        raise TuningError(f"{spec} needs timm: {INSTALL}") from error
    except Exception as error:  # the hub, a file, an unknown name: its errors share no base class
        raise TuningError(_not_loaded(spec, error)) from error
    facts = made.pretrained_cfg
    return _measured(Network(spec, made, 0, tuple(facts["mean"]), tuple(facts["std"])), facts["input_size"][-1])


def _open_clip(spec: str) -> Network:
    from indexer.embedders import clip

    try:
        clip.import_torchvision()
        arch, pretrained = clip._parse(spec)
        model, _, _ = clip._load(spec, arch, pretrained)
    except EmbedderError as error:
        raise TuningError(str(error)) from error
    visual = model.visual
    size = visual.image_size
    mean, std = getattr(visual, "image_mean", None), getattr(visual, "image_std", None)
    network = Network(spec, visual, 0, tuple(mean or IMAGENET[0]), tuple(std or IMAGENET[1]))
    return _measured(network, size[0] if isinstance(size, tuple | list) else size)


def _measured(network: Network, own_px: int) -> Network:
    """With its width, and whether it takes images of its own size only."""
    import torch

    module = network.module.float().eval()
    with torch.inference_mode():
        network.width = module(torch.zeros(1, 3, own_px, own_px)).shape[1]
        try:
            module(torch.zeros(1, 3, 64, 64))
        except Exception:  # whatever a transformer says to another number of patches
            network.side_px = own_px
    return network


def _not_loaded(spec: str, error: Exception) -> str:
    first = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
    return (
        f"The network {spec} cannot be loaded ({first}). Look at its name, give its weights as a file"
        " (timm:NAME:/path/weights), or let this machine reach the hub that they come from."
    )
