"""Turns, mirrors, stretches and shifts images of a batch, each in its own way, and brings them to their size."""

import math

import torch
from torch.nn import functional

ZOOM, STRETCH, SHIFT = 0.25, 0.125, 0.1  # logarithms of scales, and a part of the side
CONTRAST, BRIGHTNESS = 0.2, 0.05


def augmented(squares: torch.Tensor, side_px: int, chance: torch.Generator) -> torch.Tensor:
    """uint8 [n, s, s, c] to float [n, c, side, side] of 0 to 1. What comes in from outside is the border's colour,
    which the squares' own padding has too. Any angle and both hands: plankton has no up and down."""
    n = len(squares)
    planes = squares.permute(0, 3, 1, 2).float() / 255
    grid = functional.affine_grid(_turns(n, chance), [n, 1, side_px, side_px], align_corners=False)
    planes = functional.grid_sample(
        planes, grid.to(planes.device), mode="bilinear", padding_mode="border", align_corners=False
    )
    contrast = torch.exp(_around(n, CONTRAST, chance)).view(n, 1, 1, 1).to(planes.device)
    brightness = _around(n, BRIGHTNESS, chance).view(n, 1, 1, 1).to(planes.device)
    mean = planes.mean((1, 2, 3), keepdim=True)
    return (planes - mean) * contrast + mean + brightness


def _turns(n: int, chance: torch.Generator) -> torch.Tensor:
    """Affine maps [n, 2, 3]."""
    angle = _around(n, math.pi, chance)
    mirror = torch.where(torch.rand(n, generator=chance) < 0.5, -1.0, 1.0)
    tall = torch.exp(_around(n, ZOOM, chance))
    wide = tall * torch.exp(_around(n, STRETCH, chance)) * mirror
    cosine, sine = torch.cos(angle), torch.sin(angle)
    rows = (
        (cosine * wide, -sine * tall, _around(n, SHIFT, chance)),
        (
            sine * wide,
            cosine * tall,
            _around(n, SHIFT, chance),
        ),
    )
    return torch.stack([torch.stack(row, 1) for row in rows], 1)


def _around(n: int, far: float, chance: torch.Generator) -> torch.Tensor:
    return (torch.rand(n, generator=chance) * 2 - 1) * far
