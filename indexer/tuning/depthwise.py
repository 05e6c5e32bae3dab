"""Depthwise convolution in half precision on a CPU, with gradients that are fast there.

torch's own (oneDNN) are ten times slower than the forward pass for steps of two pixels and for weights over small maps:
the gradient of the input is taken as a forward convolution with the kernel turned round, that of the weights as one
product and sum for every place of the kernel where maps are small, else in single precision. Measured on
EfficientNet-Lite0 at 96 px, one core: 1.6 times the images a second of single precision, where torch's own half
precision is slower than that.
"""

from typing import Any

import torch
from torch.nn import functional

SMALL_MAP = 4


class DepthwiseConvolution(torch.autograd.Function):
    """`apply(x bfloat16 [n, c, h, w] channels last, kernel float32 [c, 1, k, k], stride, padding)`."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, kernel: torch.Tensor, stride: int, padding: int) -> torch.Tensor:
        ctx.save_for_backward(x, kernel)
        ctx.stride, ctx.padding = stride, padding
        return functional.conv2d(x, kernel.to(x.dtype), None, stride, padding, 1, x.shape[1])

    @staticmethod
    def backward(ctx: Any, slope: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None, None]:
        x, kernel = ctx.saved_tensors
        slope = slope.contiguous(memory_format=torch.channels_last)
        of_input = _of_input(slope, x, kernel, ctx.stride, ctx.padding)
        return of_input, _of_kernel(slope, x, kernel, ctx.stride, ctx.padding), None, None


def _of_input(slope: torch.Tensor, x: torch.Tensor, kernel: torch.Tensor, stride: int, padding: int) -> torch.Tensor:
    channels, side = x.shape[1], kernel.shape[-1]
    if stride > 1:  # zeros stand where the forward pass went over
        height, width = (length + 2 * padding - side + 1 for length in x.shape[2:])
        spread = slope.new_zeros((len(slope), channels, height, width)).contiguous(memory_format=torch.channels_last)
        spread[:, :, ::stride, ::stride] = slope
        slope = spread
    turned = kernel.flip(2, 3).to(slope.dtype)
    return functional.conv2d(slope, turned, None, 1, side - 1 - padding, 1, channels)


def _of_kernel(slope: torch.Tensor, x: torch.Tensor, kernel: torch.Tensor, stride: int, padding: int) -> torch.Tensor:
    if slope.shape[2] <= SMALL_MAP:
        return _by_places(slope, x, kernel.shape[-1], stride, padding)
    if kernel.shape[-1] > 3:
        slope, x = slope.float(), x.float()
    spans, pads = [stride, stride], [padding, padding]
    wanted = [False, True, False]
    gradients = torch.ops.aten.convolution_backward(
        slope, x, kernel.to(x.dtype), None, spans, pads, [1, 1], False, [0, 0], x.shape[1], wanted
    )
    return gradients[1].float()


def _by_places(slope: torch.Tensor, x: torch.Tensor, side: int, stride: int, padding: int) -> torch.Tensor:
    """One sum for every place of the kernel, over where it meets the map and not the padding."""
    x, slope = x.permute(0, 2, 3, 1).float(), slope.permute(0, 2, 3, 1).float()
    gradient = x.new_zeros((side, side, x.shape[3]))
    rows = [_meeting(place - padding, x.shape[1], slope.shape[1], stride) for place in range(side)]
    columns = [_meeting(place - padding, x.shape[2], slope.shape[2], stride) for place in range(side)]
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            if row and column:
                product = x[:, row[0], column[0]] * slope[:, row[1], column[1]]
                gradient[i, j] = product.sum((0, 1, 2))
    return gradient.permute(2, 0, 1)[:, None]


def _meeting(shift: int, n_in: int, n_out: int, stride: int) -> tuple[slice, slice] | None:
    """Along one axis: which of the input, and which of the output, meet at this place of the kernel."""
    first = max(0, -(shift // stride))
    last = min(n_out, (n_in - 1 - shift) // stride + 1)
    if last <= first:
        return None
    return slice(first * stride + shift, (last - 1) * stride + shift + 1, stride), slice(first, last)
