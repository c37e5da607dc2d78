"""The training loop: what it returns, when it stops, and that a seed repeats it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from course_utils.training import _interrupts_wait, device, fit, linear_decay, set_seed, warm_up

N, D_IN, D_OUT = 17, 5, 3


@pytest.fixture
def problem():
    set_seed(0)
    inputs = torch.randn(N, D_IN)
    return inputs, inputs @ torch.randn(D_IN, D_OUT)


def train(problem, epochs=7, **options):
    inputs, targets = problem
    model = nn.Linear(D_IN, D_OUT)
    loss = nn.MSELoss()
    history = fit(
        model,
        lambda batch: loss(model(inputs[batch]), targets[batch]),
        lambda: torch.randperm(N).split(6),
        epochs,
        **{"lr": 0.05, "progress": False, **options},
    )
    return model, history


def test_training_lowers_the_loss_and_counts_each_epoch(problem):
    _, history = train(problem, epochs=40)
    assert len(history.loss) == len(history.seconds) == 40
    assert history.loss[-1] < 0.2 * history.loss[0]
    assert history.best_epoch == 39
    assert history.score == []


def test_the_same_seed_gives_the_same_weights(problem):
    set_seed(3)
    first, _ = train(problem)
    set_seed(3)
    second, _ = train(problem)
    set_seed(4)
    other, _ = train(problem)
    assert torch.equal(first.weight, second.weight)
    assert not torch.equal(first.weight, other.weight)


def test_the_loop_is_adam_with_clipping_and_decay_written_out(problem):
    inputs, targets = problem
    set_seed(5)
    model, _ = train(problem, epochs=3, schedule=linear_decay, clip_norm=0.1, weight_decay=0.01)
    set_seed(5)
    by_hand = nn.Linear(D_IN, D_OUT)
    optimiser = torch.optim.Adam(by_hand.parameters(), lr=0.05, weight_decay=0.01)
    step = 0
    for _ in range(3):
        for batch in torch.randperm(N).split(6):
            optimiser.param_groups[0]["lr"] = 0.05 * (1 - step / 9)
            optimiser.zero_grad()
            nn.functional.mse_loss(by_hand(inputs[batch]), targets[batch]).backward()
            nn.utils.clip_grad_norm_(by_hand.parameters(), 0.1)
            optimiser.step()
            step += 1
    torch.testing.assert_close(model.weight, by_hand.weight)


def test_the_model_ends_with_the_weights_of_its_best_epoch(problem):
    scores = iter([0.1, 0.7, 0.3, 0.2])
    seen = []
    inputs, targets = problem
    model = nn.Linear(D_IN, D_OUT)

    def validate():
        seen.append(model.weight.detach().clone())
        return next(scores)

    history = fit(
        model,
        lambda _: nn.functional.mse_loss(model(inputs), targets),
        lambda: [None],
        4,
        lr=0.05,
        validate=validate,
        progress=False,
    )
    assert history.best_epoch == 1
    assert torch.equal(model.weight, seen[1])  # a copy


def test_patience_stops_when_nothing_gets_better(problem):
    scores = iter([0.1, 0.5, 0.4, 0.4, 0.4, 0.9])
    _, history = train(problem, epochs=6, validate=lambda: next(scores), patience=3)
    assert history.score == [0.1, 0.5, 0.4, 0.4, 0.4]
    assert history.best_epoch == 1


def test_of_several_scores_none_may_be_below_its_best_where_weights_are_kept(problem):
    scores = iter([(0.5, -1.0), (0.6, -1.2), (0.6, -1.0), (0.6, -1.0), (0.5, -0.9)])
    _, history = train(problem, epochs=5, validate=lambda: next(scores))
    assert history.best_epoch == 3, "as good as ever in both is enough, and the last such epoch counts"


def test_patience_with_several_scores_lasts_while_one_of_them_reaches_its_best(problem):
    scores = iter([(0.5, -1.0), (0.4, -0.9), (0.4, -0.8), (0.5, -0.9), (0.4, -0.9), (0.4, -0.9), (0.9, -0.1)])
    _, history = train(problem, epochs=7, validate=lambda: next(scores), patience=2)
    assert len(history.loss) == 6
    assert history.best_epoch == 0


def test_nan_in_one_of_several_scores_is_refused(problem):
    with pytest.raises(FloatingPointError, match="gave nan in epoch 1"):
        train(problem, epochs=2, validate=lambda: (0.5, float("nan")))


def test_of_equally_good_epochs_the_first_is_kept(problem):
    scores = iter([0.1, 0.5, 0.5, 0.5])
    _, history = train(problem, epochs=4, validate=lambda: next(scores))
    assert history.best_epoch == 1


def test_dropout_works_in_training_and_rests_in_validation(problem):
    modes = []
    model = nn.Sequential(nn.Linear(D_IN, D_OUT), nn.Dropout())

    def loss(_):
        modes.append(("train", model.training))
        return model(problem[0]).pow(2).mean()

    def validate():
        modes.append(("validate", model.training))
        return 0.0

    fit(model, loss, lambda: [None], 2, lr=0.1, validate=validate, progress=False)
    assert modes == [("train", True), ("validate", False)] * 2
    assert not model.training


def test_patience_without_validate_is_refused(problem):
    with pytest.raises(ValueError, match="patience needs validate"):
        train(problem, patience=2)


def test_a_loss_that_is_no_number_stops_training_and_says_where(problem):
    with pytest.raises(FloatingPointError, match="nan in epoch 1, batch 1"):
        fit(nn.Linear(1, 1), lambda _: torch.tensor(torch.nan), lambda: [None], 1, lr=0.1, progress=False)


def test_a_validation_that_is_no_number_is_refused_and_the_best_weights_so_far_are_kept(problem):
    model = nn.Linear(D_IN, D_OUT)
    scores, seen = iter([0.5, 0.4, float("nan")]), []

    def validate():
        seen.append(model.weight.detach().clone())
        return next(scores)

    def loss(_):
        return model(problem[0]).square().mean()

    with pytest.raises(FloatingPointError, match=r"validate\(\) gave nan in epoch 3"):
        fit(model, loss, lambda: [None], 4, lr=0.1, validate=validate, progress=False)
    assert torch.equal(model.weight, seen[0])
    assert not model.training


def test_an_epoch_without_batches_is_refused():
    with pytest.raises(ValueError, match=r"batches\(\) gave no batch in epoch 1"):
        fit(nn.Linear(1, 1), lambda _: torch.tensor(0.0), list, 1, lr=0.1, progress=False)


def interrupted(problem, at_step, validate_with=None, **options):
    """Train for 5 epochs of 3 batches, stop in a step; give the model, its weights by step and `fit`'s answer."""
    model, weights = nn.Sequential(nn.Linear(D_IN, D_OUT), nn.Dropout()), []

    def loss(_):
        weights.append(model[0].weight.detach().clone())
        if len(weights) == at_step:
            raise KeyboardInterrupt
        return model(problem[0]).square().mean()

    scores = iter(validate_with or [])
    validate = (lambda: next(scores)) if validate_with else None
    try:
        answer = fit(model, loss, lambda: [None] * 3, 5, lr=0.05, validate=validate, **options)
    except KeyboardInterrupt as stop:
        answer = stop
    return model, weights, answer


def test_interrupted_training_leaves_the_best_weights_in_evaluation_mode_and_says_so(problem, capsys):
    model, weights, history = interrupted(problem, at_step=8, validate_with=[0.7, 0.3], description="a model")
    assert history.interrupted
    assert (len(history.loss), history.score, len(history.seconds), history.best_epoch) == (2, [0.7, 0.3], 2, 0)
    assert torch.equal(model[0].weight, weights[3])  # a copy of what they were when epoch 2 began
    assert not model.training
    said = capsys.readouterr().out.splitlines()[-1]
    assert said.startswith(
        "a model: interrupted after 2 of 5 epochs; the model holds its best weights, of epoch 1, and"
    )


def test_training_that_nobody_watches_is_interrupted_for_whoever_called_it(problem, capsys):
    model, weights, stop = interrupted(problem, at_step=8, validate_with=[0.7, 0.3], progress=False)
    assert isinstance(stop, KeyboardInterrupt)
    assert "interrupted after 2 of 5 epochs" in str(stop)
    assert torch.equal(model[0].weight, weights[3])
    assert not model.training
    assert capsys.readouterr().out == ""


def test_without_validate_an_interrupt_keeps_the_latest_weights_and_training_can_go_on(problem, capsys):
    model, weights, history = interrupted(problem, at_step=2)
    assert "after 0 of 5 epochs; the model holds its latest weights" in capsys.readouterr().out
    assert (history.loss, history.best_epoch) == ([], -1)
    assert not torch.equal(model[0].weight, weights[0])
    before = model[0].weight.detach().clone()
    again = fit(model, lambda _: model(problem[0]).square().mean(), lambda: [None], 2, lr=0.05, progress=False)
    assert len(again.loss) == 2
    assert not again.interrupted
    assert not torch.equal(model[0].weight, before)


def test_training_to_its_end_is_not_called_interrupted(problem):
    assert not train(problem)[1].interrupted


def test_an_interrupt_waits_until_what_must_not_be_torn_is_done():
    done, before = [], signal.getsignal(signal.SIGINT)

    @_interrupts_wait()
    def delicate():
        os.kill(os.getpid(), signal.SIGINT)
        done.append(True)

    with pytest.raises(KeyboardInterrupt):
        delicate()
    assert done
    assert signal.getsignal(signal.SIGINT) is before


STOP_DURING_IMPORT = """
import importlib.abc, os, signal, sys, torch

class Stop(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "sympy.printing":
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)  # also where the tests run in the background
sys.meta_path.insert(0, Stop())
try:
    import course_utils.training
except KeyboardInterrupt:
    print("stopped")
from course_utils.training import fit

before = set(sys.modules)
model = torch.nn.Linear(1, 1)
fit(model, lambda _: model(torch.ones(1, 1)).sum(), lambda: [None], 2, lr=0.1, progress=False)
print(sorted(name for name in set(sys.modules) - before if name.split(".")[0] in ("torch", "sympy")))
"""


def test_the_first_training_imports_nothing_that_an_interrupt_could_tear():
    root = Path(__file__).resolve().parents[1]
    run = subprocess.run(
        [sys.executable, "-c", STOP_DURING_IMPORT],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.split("\n") == ["stopped", "[]", ""]


def test_schedules_start_peak_and_end_where_they_say():
    assert [linear_decay(p) for p in (0.0, 0.5, 1.0)] == [1, 0.5, 0]
    assert [round(warm_up(0.2)(p), 9) for p in (0.0, 0.1, 0.2, 0.6, 1.0)] == [0, 0.5, 1, 0.5, 0]
    with pytest.raises(ValueError, match=r"between 0 and 1, got 1\.0"):
        warm_up(1.0)


def test_progress_ends_with_the_last_loss(problem, capsys):
    _, history = train(problem, progress=True, description="a line")
    said = capsys.readouterr().out
    assert "a line" in said
    assert f"loss {history.loss[-1]:.3f}" in said


def test_the_device_is_the_cpu_unless_the_environment_names_another(monkeypatch):
    monkeypatch.delenv("COURSE_DEVICE", raising=False)
    assert device() == torch.device("cpu")
    monkeypatch.setenv("COURSE_DEVICE", "meta")  # the one other device that every PyTorch has
    assert device() == torch.device("meta")


def test_a_device_that_is_not_here_is_refused_before_any_training(monkeypatch):
    monkeypatch.setenv("COURSE_DEVICE", "abacus")
    with pytest.raises(ValueError, match="'abacus' cannot be used here"):
        device()
