"""The network with its classifier by angle, as it is trained: the nearest direction wins."""

import math

import torch
from torch import nn
from torch.nn import functional

from indexer.tuning.networks import Network

SCALE = 16.0


class Learner(nn.Module):
    """Logits are scaled cosines between a feature and each taxon's direction (Wang et al. 2017, NormFace,
    arXiv:1704.06369): what tells taxa apart is the angle, by which neighbours are found afterwards."""

    def __init__(self, network: Network, n_taxa: int) -> None:
        super().__init__()
        self.network = network.module
        self.directions = nn.Parameter(torch.randn(n_taxa, network.width) * 0.05)
        self.bias = nn.Parameter(torch.zeros(n_taxa))
        self.scale = nn.Parameter(torch.tensor(math.log(SCALE)))
        self.register_buffer("mean", torch.tensor(network.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(network.std).view(1, 3, 1, 1), persistent=False)

    def forward(self, planes: torch.Tensor) -> torch.Tensor:
        """float [n, 1 or 3, s, s] of 0 to 1 to float32 logits [n, taxa]; the network in half precision."""
        planes = ((planes - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        with torch.autocast(planes.device.type, torch.bfloat16):
            features = self.network(planes)
        return self.logits(features.float())

    def logits(self, features: torch.Tensor) -> torch.Tensor:
        cosines = functional.normalize(features) @ functional.normalize(self.directions).T
        return self.scale.exp() * cosines + self.bias
