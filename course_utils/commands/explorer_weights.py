"""Train the translators that a reader plays with, and write their weights: for contributors, about ten minutes.

``python -m course_utils.commands.explorer_weights`` trains the models of lectures 01 and 02 as the lectures do, rounds
their weights, counts what the rounding costs on numbers that neither has seen, and writes
``course_utils/explorer/translators.json``. Seed, settings and counts are in that file.
"""

import importlib
import json
import random
import sys
from collections.abc import Callable, Mapping
from functools import cache
from types import ModuleType
from typing import Any

import torch
from torch import nn

from course_utils import notebooks
from course_utils.data.batches import Vocabulary, pad
from course_utils.data.number_words import NumberWords, translate
from course_utils.explorer.weights import STORED, Weights, pack, unpack
from course_utils.files import write_atomically
from course_utils.training import set_seed

SEED = 0
STEPS = {"translator": 0.2, "fixed_vector": 0.06}  # the decoder that looks back bears coarser steps
COUNTED_LENGTHS = range(4, 13)
COUNTED_PER_LENGTH = 2_000
COUNTED_SEED = 1
FIRST = 345_678
ASKED = "acht"
SETTINGS = ("SEED", "MAX_DIGITS", "BATCH_SIZE", "EPOCHS", "LEARNING_RATE", "D_EMBEDDING")
OWN_SETTINGS = {
    "translator": ("D_ENCODER", "D_DECODER", "D_ATTENTION"),
    "fixed_vector": ("D_STATE", "CLIP_NORM"),
}


def lecture(number: str) -> ModuleType:
    """Import a lecture's definitions."""
    return importlib.import_module(f"{notebooks.__name__}.lecture_{number}")


def train_looking_back() -> tuple[nn.Module, NumberWords]:
    """Train the translator of lecture 02."""
    of = lecture("02")
    pairs, _, _ = of.load_pairs(SEED)
    return of.trained(pairs, SEED, of.EPOCHS, progress=True), pairs


@cache
def words_of_one_vector() -> tuple[Vocabulary, Vocabulary]:
    """Number the words that the translator of lecture 01 is trained on."""
    pairs, _ = lecture("01").load_pairs(SEED)
    return Vocabulary(pairs.source), Vocabulary(pairs.target)


def train_one_vector() -> tuple[nn.Module, NumberWords]:
    """Train the translator of lecture 01."""
    of = lecture("01")
    pairs, _ = of.load_pairs(SEED)
    words = words_of_one_vector()
    set_seed(SEED)
    model = of.FixedVector(len(words[0]), len(words[1]), of.D_EMBEDDING, of.D_STATE)
    ids, order = of.encode_pairs(pairs, *words), torch.Generator().manual_seed(SEED)
    of.train(model, lambda: of.make_batches(*ids, order), of.EPOCHS, of.LEARNING_RATE)
    return model, pairs


def looking_back_is_right(model: nn.Module, pairs: NumberWords) -> list[bool]:
    """Say of each number whether the translator of lecture 02 writes it without an error."""
    return lecture("02").exact_matches(model, pairs)


def one_vector_is_right(model: nn.Module, pairs: NumberWords) -> list[bool]:
    """Say of each number whether the translator of lecture 01 writes it without an error."""
    of = lecture("01")
    source, target = of.encode_pairs(pairs, *words_of_one_vector())
    return of.exact_match(model, pad(source), pad(target)).tolist()


Right = Callable[[nn.Module, NumberWords], list[bool]]


def percent_right(right: Right, model: nn.Module, pairs: NumberWords) -> float:
    """Count in parts, so that memory stays small."""
    parts = [pairs.subset(range(start, min(start + 500, len(pairs)))) for start in range(0, len(pairs), 500)]
    return 100 * sum(sum(right(model, part)) for part in parts) / len(pairs)


def numbers_to_count_on(trained_on: Mapping[str, NumberWords]) -> NumberWords:
    """Draw numbers that no model was trained on, as many of each length."""
    seen = {number for pairs in trained_on.values() for number in pairs.numbers}
    generator = random.Random(COUNTED_SEED)
    drawn: list[int] = []
    for length in COUNTED_LENGTHS:
        new: set[int] = set()
        while len(new) < COUNTED_PER_LENGTH:
            new |= {generator.randrange(10 ** (length - 1), 10**length)} - seen
        drawn += sorted(new)
    return translate(drawn)


def first_state(model: nn.Module) -> dict[str, Any]:
    """Translate the first number, for the picture that is there without a script."""
    of = lecture("02")
    pair = translate([FIRST])
    if not all(looking_back_is_right(model, pair)):
        raise RuntimeError(f"The translator gets {FIRST:,} wrong; choose another first number.")
    weights = of.teacher_forced_weights(model, pair)[0, :-1]
    return {
        "number": FIRST,
        "ask": ASKED,
        "english": list(pair.source[0]),
        "german": list(pair.target[0]),
        "weights": [[round(weight, 3) for weight in row] for row in weights.tolist()],
    }


def main() -> int:
    """Train, round, count and write."""
    trainers = {"translator": train_looking_back, "fixed_vector": train_one_vector}
    rights: dict[str, Right] = {"translator": looking_back_is_right, "fixed_vector": one_vector_is_right}
    models, trained_on, weights = {}, {}, {}
    for name, train in trainers.items():
        models[name], trained_on[name] = train()
        pairs = trained_on[name]
        words = Vocabulary(pairs.source).words, Vocabulary(pairs.target).words
        weights[name] = Weights(*words, models[name].state_dict())
    packed = pack(weights, STEPS)
    counted = numbers_to_count_on(trained_on)
    exact_match = {}
    for name, rounded in unpack(packed).items():
        before = percent_right(rights[name], models[name], counted)
        models[name].load_state_dict({parameter: kept.float() for parameter, kept in rounded.parameters.items()})
        after = percent_right(rights[name], models[name], counted)
        exact_match[name] = {"trained": round(before, 2), "rounded": round(after, 2)}
        print(f"{name}: {before:.2f} % right, rounded {after:.2f} %", flush=True)
    made = {
        name: {setting.lower(): getattr(lecture(number), setting) for setting in (*SETTINGS, *OWN_SETTINGS[name])}
        | {"lecture": number, "trained_on": len(trained_on[name]), "step": STEPS[name]}
        for name, number in (("translator", "02"), ("fixed_vector", "01"))
    }
    content = {
        "about": "Written by python -m course_utils.commands.explorer_weights; read by course_utils.explorer.weights.",
        "made": made | {"torch": torch.__version__},
        "exact_match": {
            "numbers": len(counted),
            "digits": [COUNTED_LENGTHS[0], COUNTED_LENGTHS[-1]],
            "seed": COUNTED_SEED,
            **exact_match,
        },
        "first": first_state(models["translator"]),
        **packed,
    }
    write_atomically(STORED, (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode("utf-8"))
    print(f"{STORED.name}: {STORED.stat().st_size:,} bytes, sha256 of the numbers {packed['sha256']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
