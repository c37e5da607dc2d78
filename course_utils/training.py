"""The training loop that lecture 01 writes in full, for all the lectures after it."""

import copy
import math
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm


@contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Hold back Ctrl-C and the notebook's stop button until the end of the block."""
    if threading.current_thread() is not threading.main_thread():  # signals reach the main thread alone
        yield
        return
    came = []
    before = signal.signal(signal.SIGINT, lambda *_: came.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)
    if came:
        raise KeyboardInterrupt


# When the first optimiser is made, PyTorch imports 800 modules, SymPy among them. An import that was interrupted cannot
# be repeated in the same kernel; so it happens here, in peace, and not in the first seconds of the first training.
with _interrupts_wait():
    torch.optim.Adam([nn.Parameter(torch.zeros(1))]).step()


def set_seed(seed: int) -> None:
    """Seed Python's, NumPy's and PyTorch's generators, so that a run can be repeated."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - libraries that the lectures call still draw from the global generator
    torch.manual_seed(seed)


def device() -> torch.device:
    """Give the device that experiments on public sets train on: ``COURSE_DEVICE``, else the CPU.

    ``python3 course.py evidence NAME --device cuda`` sets it.

    Raises
    ------
    ValueError
        If this PyTorch has no such device here.
    """
    wanted = os.environ.get("COURSE_DEVICE", "cpu")
    try:
        return torch.empty(0, device=wanted).device
    except (RuntimeError, AssertionError) as error:  # a PyTorch without CUDA asserts
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"The device {wanted!r} cannot be used here ({reason}). Choose another, or none for the CPU."
        ) from error


def constant(_progress: float) -> float:
    """Keep the learning rate as it is."""
    return 1.0


def linear_decay(progress: float) -> float:
    """Let the learning rate fall in a straight line, from its full value at progress 0 to nothing at 1."""
    return 1.0 - progress


def warm_up(fraction: float) -> Callable[[float], float]:
    """Raise the learning rate from zero during the first ``fraction`` of training, then let it fall linearly.

    Notes
    -----
    Vaswani et al. (2017), section 5.3, fall with the inverse square root of the step instead; a run of known length
    can end at zero, which leaves a short run better trained.
    """
    if not 0 < fraction < 1:
        raise ValueError(f"warm_up: fraction must lie between 0 and 1, got {fraction}.")
    return lambda progress: min(progress / fraction, (1 - progress) / (1 - fraction))


@dataclass
class History:
    """What happened during training, one entry an epoch.

    Attributes
    ----------
    loss
        Mean training loss.
    score
        What ``validate`` returned; empty where there was none.
    seconds
        Time since the start.
    best_epoch
        The epoch, from 0, whose weights the model holds at the end.
    interrupted
        Whether training was stopped before its end.
    """

    loss: list[float] = field(default_factory=list)
    score: list[float | tuple[float, ...]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    best_epoch: int = -1
    interrupted: bool = False


@dataclass
class _Best:
    """The best of each score so far, and the last epoch at which one of them was reached."""

    scores: tuple[float, ...] = ()
    reached: int = -1

    def beaten_by(self, score: float | tuple[float, ...], epoch: int) -> bool:
        """Take an epoch's score or scores; say whether its weights are to be kept."""
        new = _several(score)
        old = self.scores or (-math.inf,) * len(new)
        alone = len(new) == 1  # one score must improve; of several it is enough that each is as good as ever
        good = [a > b if alone else a >= b for a, b in zip(new, old, strict=True)]
        if any(good):
            self.reached = epoch
        self.scores = tuple(map(max, new, old))
        return all(good)


def _several(score: float | tuple[float, ...]) -> tuple[float, ...]:
    return score if isinstance(score, tuple) else (score,)


def fit(
    model: nn.Module,
    batch_loss: Callable[[Any], Tensor],
    batches: Callable[[], Sequence[Any]],
    epochs: int,
    *,
    lr: float,
    schedule: Callable[[float], float] = constant,
    weight_decay: float = 0.0,
    clip_norm: float | None = 1.0,
    validate: Callable[[], float | tuple[float, ...]] | None = None,
    patience: int | None = None,
    description: str = "training",
    progress: bool = True,
) -> History:
    """Train a model with Adam: for every batch, loss, gradient, clip, step.

    Parameters
    ----------
    model
        Changed in place.
    batch_loss
        ``batch_loss(batch)`` gives the mean loss of one batch.
    batches
        ``batches()`` gives one epoch's batches; called anew each epoch, so it may shuffle.
    epochs
        Passes over the data.
    lr, schedule
        Learning rate, multiplied by ``schedule(progress)`` where progress runs from 0 to 1 over all steps.
    weight_decay
        L2 penalty, added to the gradient as Adam does.
    clip_norm
        Gradients longer than this are shortened to it; ``None`` leaves them alone.
    validate
        ``validate()`` scores the model after each epoch, higher is better. At the end the model holds the weights of
        its best epoch. Several scores may be given as a tuple: the best epoch is then the last one at which none of
        them was below its own best so far.
    patience
        Stop when ``validate`` has not improved for this many epochs; where it gives several scores, when none of them
        has reached its own best for this many epochs.
    description, progress
        Name shown beside the progress bar, and whether to show it.

    Returns
    -------
    Loss, score and seconds by epoch.

    Raises
    ------
    ValueError
        If ``patience`` is given without ``validate``, or ``batches`` gives an epoch without batches.
    FloatingPointError
        If the loss is no longer a finite number, or ``validate`` gives NaN.
    KeyboardInterrupt
        If training is interrupted (Ctrl-C, the stop button) without a progress bar: a recorded run must not take what
        was learned so far for the whole. Where the bar is shown, training ends early, says so, and returns.

    Notes
    -----
    However training ends, the model is left in evaluation mode with the weights of its best epoch, or without
    ``validate`` its latest ones, and `fit` can be called again to train it further.

    With ``(accuracy, -loss)`` on the validation set this is the rule by which Veličković et al. (2018) select and stop
    graph attention networks (section 3.3 and their code).
    """
    if patience is not None and validate is None:
        raise ValueError("fit: patience needs validate, a function that scores the model; got none.")
    optimiser = torch.optim.Adam(model.parameters(), lr=lr, weight_decay=weight_decay)
    history, best, best_weights = History(), _Best(), None
    start = time.perf_counter()
    bar = tqdm(range(epochs), desc=description, file=sys.stdout, ncols=80, disable=not progress)
    try:
        for epoch in bar:
            model.train()
            losses = []
            epoch_batches = batches()
            for i, batch in enumerate(epoch_batches):
                for group in optimiser.param_groups:
                    group["lr"] = lr * schedule((epoch + i / len(epoch_batches)) / epochs)
                loss = batch_loss(batch)
                if not torch.isfinite(loss):
                    raise FloatingPointError(
                        f"fit: the loss became {loss.item()} in epoch {epoch + 1}, batch {i + 1}; "
                        "lower the learning rate, clip the gradient, or look for a division by zero."
                    )
                optimiser.zero_grad()
                loss.backward()
                if clip_norm is not None:
                    nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
                optimiser.step()
                losses.append(loss.detach())
            if not losses:
                raise ValueError(f"fit: batches() gave no batch in epoch {epoch + 1}; it must give at least one.")
            history.loss.append(torch.stack(losses).mean().item())
            model.eval()
            if validate is not None:
                score = validate()
                if any(map(math.isnan, _several(score))):
                    raise FloatingPointError(
                        f"fit: validate() gave nan in epoch {epoch + 1}, so no epoch can be called the best; "
                        "look for an empty validation set or a division by zero."
                    )
                history.score.append(score)
                if best.beaten_by(score, epoch):
                    history.best_epoch = epoch
                    best_weights = copy.deepcopy(model.state_dict())
            history.seconds.append(time.perf_counter() - start)
            bar.set_postfix_str(f"loss {history.loss[-1]:.3f}" + (f", best {best.scores[0]:.3f}" if validate else ""))
            if patience is not None and epoch - best.reached >= patience:
                break
    except KeyboardInterrupt:
        history.interrupted = True
        del history.loss[len(history.seconds) :], history.score[len(history.seconds) :]
    finally:
        bar.close()
        model.eval()
        if best_weights is None:
            history.best_epoch = len(history.loss) - 1
        else:
            model.load_state_dict(best_weights)
    if history.interrupted:
        held = "its latest weights" if best_weights is None else f"its best weights, of epoch {history.best_epoch + 1},"
        said = (
            f"{description}: interrupted after {len(history.loss)} of {epochs} epochs; the model holds {held} and is "
            "in evaluation mode: use it as it is, or call fit again to train it further."
        )
        if not progress:
            raise KeyboardInterrupt(said)
        print(said)
    return history
