"""The training loop: what it returns, when it stops, and that a seed repeats it."""

import pytest
import torch
from torch import nn

from course_utils.training import device, fit, linear_decay, set_seed, warm_up

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
    assert torch.equal(model.weight, seen[1])


def test_patience_stops_when_nothing_gets_better(problem):
    scores = iter([0.1, 0.5, 0.4, 0.4, 0.4, 0.9])
    _, history = train(problem, epochs=6, validate=lambda: next(scores), patience=3)
    assert history.score == [0.1, 0.5, 0.4, 0.4, 0.4]
    assert history.best_epoch == 1


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
