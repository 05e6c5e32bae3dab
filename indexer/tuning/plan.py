"""How long a training goes on, at which sizes of images: from the number of images, the time given, the machine."""

import os
from dataclasses import dataclass

BATCH = 64
EPOCH_IMAGES = 10_000  # of a larger set, each epoch takes another part
USUAL_STEPS, FEWEST_EPOCHS, MOST_EPOCHS = 2500, 4, 30
DEFAULT_MINUTES = 13.0
LEARNED_SHARE = 0.8
SERVED_PX = 120  # a little more than it learned on: 1.2 points of agreement, measured from 96 to 112
# The sizes of the training's images, small ones first (Touvron et al. 2019, arXiv:1906.06423: a network that learned
# on smaller images than it is used on loses nothing, and small ones cost a fraction).
GROWING_PX = (64, 64, 80, 80, 96, 96, 112, 112)
# What an image costs at 64 px beside one at a larger side: by area, but for the share that every batch costs.
FIXED_PX = 24
AROUND_SECONDS = 45.0  # reading, comparing with the default embedder, writing the file, for some thousand images


@dataclass(frozen=True)
class Settings:
    """What a person may choose. `minutes` is the time that it may take, None: as long as the epochs take; `epochs`
    None: as the images and the time want it; `device` "auto", "cpu" or "cuda"; `threads` 0: all cores."""

    name: str = "tuned"
    network: str = "lite0"
    minutes: float | None = DEFAULT_MINUTES
    epochs: int | None = None
    device: str = "auto"
    threads: int = 0
    seed: int = 0
    sides_px: tuple[int, ...] = GROWING_PX
    served_px: int = SERVED_PX


@dataclass(frozen=True)
class Plan:
    """What is done: the side of the images in every epoch, and how many batches an epoch has."""

    sides_px: tuple[int, ...]
    steps: int

    @property
    def epochs(self) -> int:
        return len(self.sides_px)


def make_plan(n_learned: int, settings: Settings, seconds_a_step: float, sides_px: tuple[int, ...]) -> Plan:
    """`seconds_a_step` is of a batch at the largest of `sides_px`."""
    steps = max(1, min(n_learned, EPOCH_IMAGES) // BATCH)
    epochs = settings.epochs or max(FEWEST_EPOCHS, min(MOST_EPOCHS, round(USUAL_STEPS / steps)))
    if settings.epochs is None and settings.minutes:
        left = settings.minutes * 60 - around_seconds(n_learned)
        while epochs > FEWEST_EPOCHS and training_seconds(steps, grown(epochs, sides_px), seconds_a_step) > left:
            epochs -= 1
    return Plan(grown(epochs, sides_px), steps)


def grown(epochs: int, sides_px: tuple[int, ...]) -> tuple[int, ...]:
    """The side of each epoch's images."""
    return tuple(sides_px[min(len(sides_px) - 1, epoch * len(sides_px) // epochs)] for epoch in range(epochs))


def training_seconds(steps: int, sides_px: tuple[int, ...], seconds_a_step: float) -> float:
    """Of all epochs, where a batch at the largest side takes `seconds_a_step`."""
    largest = max(sides_px)
    return sum(steps * seconds_a_step * (side**2 + FIXED_PX**2) / (largest**2 + FIXED_PX**2) for side in sides_px)


def around_seconds(n: int) -> float:
    """What is not training: reading the images, the report, the file."""
    return 5 + AROUND_SECONDS * min(n, 10_000) / 10_000


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def expected_seconds(n_images: int, settings: Settings, seconds_a_step: float, own_px: int | None = None) -> float:
    """How long a training on so many images takes in all, where a batch at the largest size takes `seconds_a_step`."""
    n_learned = max(1, int(n_images * LEARNED_SHARE))
    made = make_plan(n_learned, settings, seconds_a_step, (own_px,) if own_px else settings.sides_px)
    return around_seconds(n_images) + training_seconds(made.steps, made.sides_px, seconds_a_step)
