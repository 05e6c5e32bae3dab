"""The training itself: epochs, each kept when it is done, so that what was stopped goes on with the next."""

import copy
import math
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from indexer.tuning.augmentation import augmented
from indexer.tuning.head import Learner
from indexer.tuning.plan import BATCH, Plan, cores

LEARNING_RATE, WEIGHT_DECAY, SMOOTHING = 1.5e-3, 0.02, 0.1
WARM_SHARE, FIRST_RATE = 0.15, 0.05  # of the steps; of the rate
AVERAGED_OVER = 0.995  # the weights that are kept are a running mean of the last hundreds of steps
MOST_REPLICAS = 2
FREE_SHARE = 0.9  # of the cores' time, that a training has on a machine that does nothing else
CHECKPOINT = "checkpoint.pt"
Tell = Callable[[int, int, str], None]  # done and all images, message; may raise to stop


@dataclass
class Trained:
    """The averaged learner, and what each epoch was: side_px, loss, seconds."""

    learner: Learner
    history: list[dict[str, float]] = field(default_factory=list)


class Training:
    """One training, from its beginning or from the last epoch that was kept in `folder`.

    On a CPU a batch is shared by two threads, each with a copy of the network on the same weights: one core each keeps
    busy, where a single network on two cores waits at the end of every operation, and stands still beside other work.
    """

    def __init__(self, learner: Learner, plan: Plan, device: str, threads: int, seed: int) -> None:
        self.plan, self.device, self.seed = plan, device, seed
        self.threads = threads or cores()
        self.learner = learner.to(device, memory_format=torch.channels_last)
        self.averaged = copy.deepcopy(self.learner).eval()
        n_copies = min(MOST_REPLICAS, self.threads) if device == "cpu" else 1
        self.replicas = [self.learner, *(_sharing(self.learner) for _ in range(n_copies - 1))]
        self.optimizer = _optimizer(self.learner)
        self.done = 0
        self.history: list[dict[str, float]] = []

    def run(self, squares: np.ndarray, taxa: np.ndarray, folder: Path, tell: Tell) -> Trained:
        """`squares` uint8 [n, s, s, c], `taxa` int [n] from 0 without gaps."""
        self._resume(folder / CHECKPOINT)
        with ThreadPoolExecutor(len(self.replicas)) as pool:
            for epoch in range(self.done, self.plan.epochs):
                self._epoch(epoch, squares, taxa, pool, tell)
                self._keep(folder / CHECKPOINT)
        return Trained(self.averaged, self.history)

    def seconds_a_step(self, squares: np.ndarray, taxa: np.ndarray, side_px: int, steps: int = 2) -> float:
        """Measured on copies that are thrown away, as if the machine were free: a training that finds it busy shall
        take longer rather than learn less."""
        trial = Training(copy.deepcopy(self.learner), self.plan, self.device, self.threads, self.seed)
        with ThreadPoolExecutor(len(trial.replicas)) as pool:
            chances = trial._chances(0)
            rows = np.arange(BATCH) % len(squares)
            began = worked = 0.0
            for step in range(steps + 1):
                if step == 1:  # the first one makes room and plans
                    began, worked = time.perf_counter(), time.process_time()
                trial._step(rows, squares, taxa, side_px, chances, pool)
        waited = time.perf_counter() - began
        busy = (time.process_time() - worked) / (self.threads * FREE_SHARE)
        return (waited if self.device == "cuda" else min(waited, busy)) / steps

    def _epoch(self, epoch: int, squares: np.ndarray, taxa: np.ndarray, pool: ThreadPoolExecutor, tell: Tell) -> None:
        side, steps, began = self.plan.sides_px[epoch], self.plan.steps, time.perf_counter()
        order, chances, loss = _order(len(taxa), epoch, steps * BATCH, self.seed), self._chances(epoch), 0.0
        for step in range(steps):
            tell((epoch * steps + step) * BATCH, self.plan.epochs * steps * BATCH, self._said(epoch))
            self._set_rate((epoch * steps + step) / (self.plan.epochs * steps))
            loss += self._step(order[step * BATCH : (step + 1) * BATCH], squares, taxa, side, chances, pool)
            self._average(epoch * steps + step)
        self.done = epoch + 1
        self.history.append({
            "side_px": side, "loss": round(loss / steps, 4), "seconds": round(time.perf_counter() - began, 1)
        })  # fmt: skip

    def _said(self, epoch: int) -> str:
        said = f"epoch {epoch + 1} of {self.plan.epochs}"
        return f"{said}, loss {self.history[-1]['loss']:.2f}" if self.history else said

    def _step(
        self, rows: np.ndarray, squares: np.ndarray, taxa: np.ndarray, side_px: int,
        chances: list[torch.Generator], pool: ThreadPoolExecutor,
    ) -> float:  # fmt: skip
        """One batch: each replica's part of it forwards and backwards, the slopes joined, the weights moved."""
        parts = np.array_split(rows, len(self.replicas))

        def learn(place: int) -> float:
            torch.set_num_threads(max(1, self.threads // len(self.replicas)))  # of this thread alone
            own = np.sort(parts[place])
            batch = torch.from_numpy(squares[own]).to(self.device)
            truth = torch.from_numpy(taxa[own].astype(np.int64)).to(self.device)
            replica = self.replicas[place].train()
            replica.zero_grad(set_to_none=True)
            logits = replica(augmented(batch, side_px, chances[place]))
            loss = functional.cross_entropy(logits, truth, label_smoothing=SMOOTHING, reduction="sum") / len(rows)
            loss.backward()
            return loss.item()

        loss = sum(pool.map(learn, range(len(parts))))
        self._join_slopes()
        self.optimizer.step()
        return loss

    @torch.no_grad()
    def _join_slopes(self) -> None:
        for replica in self.replicas[1:]:
            for whole, part in zip(self.learner.parameters(), replica.parameters(), strict=True):
                if part.grad is not None and whole.grad is not None:
                    whole.grad.add_(part.grad)

    @torch.no_grad()
    def _average(self, step: int) -> None:
        keep = min(AVERAGED_OVER, (1 + step) / (10 + step))
        ours, theirs = self.averaged.state_dict(), self.learner.state_dict()
        floats = [name for name, tensor in ours.items() if tensor.dtype.is_floating_point]
        torch._foreach_lerp_([ours[name] for name in floats], [theirs[name] for name in floats], 1 - keep)

    def _set_rate(self, passed: float) -> None:
        """Up for a while, then down along a cosine (one cycle)."""
        if passed < WARM_SHARE:
            rate = FIRST_RATE + (1 - FIRST_RATE) * passed / WARM_SHARE
        else:
            rate = 0.5 * (1 + math.cos(math.pi * (passed - WARM_SHARE) / (1 - WARM_SHARE)))
        for group in self.optimizer.param_groups:
            group["lr"] = LEARNING_RATE * rate

    def _chances(self, epoch: int) -> list[torch.Generator]:
        """Of each replica, the same whenever this epoch is done."""
        seeds = range(len(self.replicas))
        return [torch.Generator().manual_seed(1 + self.seed * 1_000_003 + epoch * 1009 + place) for place in seeds]

    def _keep(self, path: Path) -> None:
        """Written aside and renamed: a kill leaves the former one whole."""
        aside = path.with_suffix(f".writing-{os.getpid()}")
        torch.save(self._state(), aside)
        aside.replace(path)

    def _state(self) -> dict[str, Any]:
        return {
            "done": self.done,
            "history": self.history,
            "learner": self.learner.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def _resume(self, path: Path) -> None:
        if not path.is_file():
            return
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.learner.load_state_dict(state["learner"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.done, self.history = state["done"], state["history"]


def choose_device(wanted: str) -> str:
    """ "cuda" where it is there and "cpu" was not asked for."""
    return "cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu"


def _sharing(learner: Learner) -> Learner:
    """A copy on the same weights, with slopes of its own."""
    replica = copy.deepcopy(learner)
    for own, shared in zip(replica.parameters(), learner.parameters(), strict=True):
        own.data = shared.data
    return replica


def _optimizer(learner: Learner) -> torch.optim.Optimizer:
    """AdamW; scales and shifts of normalisations do not decay."""
    flat = [one for one in learner.parameters() if one.ndim < 2]
    rest = [one for one in learner.parameters() if one.ndim >= 2]
    groups = [{"params": rest, "weight_decay": WEIGHT_DECAY}, {"params": flat, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=LEARNING_RATE, fused=True)


def _order(n: int, epoch: int, wanted: int, seed: int) -> np.ndarray:
    """Rows of an epoch, `wanted` of them: all once, before any comes twice."""
    first = epoch * wanted
    rounds = range(first // n, (first + wanted - 1) // n + 1)
    rows = np.concatenate([np.random.default_rng([seed, turn]).permutation(n) for turn in rounds])
    return rows[first - rounds[0] * n :][:wanted]
