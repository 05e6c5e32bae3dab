"""EfficientNet-Lite0 in torch, to be trained: its tensors have the names of the weights' file, so they go back and
forth between it and the default embedder's graph."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from indexer.embedders.lite0 import STAGES, WIDTH
from indexer.tuning.depthwise import DepthwiseConvolution

EPSILON = 1e-3
MOMENTUM = 0.05  # of the running mean and variance: some hundred batches, where ImageNet had a million


class Lite0(nn.Module):
    """float [n, 3, side, side], normalised, to [n, 1280]."""

    width = WIDTH

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        super().__init__()
        self._conv_stem, self._bn0 = nn.Conv2d(3, 32, 3, 2, bias=False), _norm(32)
        blocks: list[Block] = []
        channels = 32
        for n_blocks, stride, expand in STAGES:
            for place in range(n_blocks):
                kernel = weights[f"_blocks.{len(blocks)}._depthwise_conv.weight"].shape[-1]
                out = weights[f"_blocks.{len(blocks)}._project_conv.weight"].shape[0]
                blocks.append(Block(channels, out, kernel, 1 if place else stride, expand, place > 0))
                channels = out
        self._blocks = nn.ModuleList(blocks)
        self._conv_head, self._bn1 = nn.Conv2d(channels, WIDTH, 1, bias=False), _norm(WIDTH)
        own = {name: torch.from_numpy(np.array(weights[name])) for name in self.state_dict() if name in weights}
        missing, _ = self.load_state_dict(own, strict=False)
        if any(not name.endswith("num_batches_tracked") for name in missing):
            raise ValueError(f"these are not EfficientNet-Lite0's weights: {missing[0]} is missing")

    def forward(self, planes: torch.Tensor) -> torch.Tensor:
        planes = functional.relu6(self._bn0(self._conv_stem(functional.pad(planes, (0, 1, 0, 1)))))
        for block in self._blocks:
            planes = block(planes)
        return functional.relu6(self._bn1(self._conv_head(planes))).mean((2, 3))

    def tensors(self) -> dict[str, np.ndarray]:
        """By name, as `lite0_graph.build` takes them."""
        return {name: tensor.detach().float().cpu().numpy() for name, tensor in self.state_dict().items()}


class Block(nn.Module):
    """Expand, depthwise, project; added to its input where `add`. Paddings are the default graph's."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int, expand: bool, add: bool) -> None:
        super().__init__()
        inner = channels * 6 if expand else channels
        self._expand_conv = nn.Conv2d(channels, inner, 1, bias=False) if expand else None
        self._bn0 = _norm(inner) if expand else None
        self._depthwise_conv = nn.Conv2d(inner, inner, kernel, stride, groups=inner, bias=False)
        self._bn1, self._bn2 = _norm(inner), _norm(out)
        self._project_conv = nn.Conv2d(inner, out, 1, bias=False)
        self.add, self.stride, self.kernel = add, stride, kernel

    def forward(self, planes: torch.Tensor) -> torch.Tensor:
        inner = planes
        if self._expand_conv is not None:
            inner = functional.relu6(self._bn0(self._expand_conv(inner)))
        inner = functional.relu6(self._bn1(self._depthwise(inner)))
        inner = self._bn2(self._project_conv(inner))
        return planes + inner if self.add else inner

    def _depthwise(self, planes: torch.Tensor) -> torch.Tensor:
        before, after = (self.kernel - self.stride) // 2, self.kernel - self.stride - (self.kernel - self.stride) // 2
        if before != after:
            planes, before = functional.pad(planes, (before, after, before, after)), 0
        if planes.dtype == torch.bfloat16 and planes.device.type == "cpu":
            return DepthwiseConvolution.apply(planes, self._depthwise_conv.weight, self.stride, before)
        return functional.conv2d(
            planes, self._depthwise_conv.weight, None, self.stride, before, 1, self._depthwise_conv.groups
        )


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=EPSILON, momentum=MOMENTUM)
