"""Train the translators that a reader plays with, and write their weights: for contributors, about fifteen minutes.

``python -m course_utils.commands.explorer_weights`` trains the models of lectures 01, 02 and 05 as the lectures do,
rounds their weights, counts what the rounding costs on numbers that none of them has seen, and writes
``translators.json`` and ``transformer.json`` in ``course_utils/explorer``; with the name of one of the two it writes
that one alone. Seed, settings and counts are in the files.
"""

import argparse
import importlib
import json
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from course_utils import notebooks
from course_utils.data.batches import Vocabulary, pad
from course_utils.data.number_words import NumberWords, translate
from course_utils.explorer.weights import STORED, STORED_TRANSFORMER, Weights, pack, unpack
from course_utils.files import write_atomically
from course_utils.training import set_seed

SEED = 0
STEPS = {"translator": 0.2, "fixed_vector": 0.06, "transformer": 0.1}  # what looks back bears coarser steps
COUNTED_LENGTHS = range(4, 13)
COUNTED_PER_LENGTH = 2_000
COUNTED_SEED = 1
FIRST = 345_678
ASKED = "acht"
RANKED_ON = 300  # validation numbers on which the heads are ranked, as in lecture 05
OF_LECTURE = {"translator": "02", "fixed_vector": "01", "transformer": "05"}
RECURRENT = ("MAX_DIGITS", "BATCH_SIZE", "EPOCHS", "LEARNING_RATE", "D_EMBEDDING")
SETTINGS = {
    "translator": (*RECURRENT, "D_ENCODER", "D_DECODER", "D_ATTENTION"),
    "fixed_vector": (*RECURRENT, "D_STATE", "CLIP_NORM"),
    "transformer": (
        *("DIGITS", "N_PAIRS", "N_TEST", "BATCH_SIZE", "EPOCHS", "LEARNING_RATE", "WARM_UP"),
        *("D_MODEL", "N_HEADS", "D_HIDDEN", "N_LAYERS", "MAX_LENGTH"),
    ),
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


def train_heads() -> tuple[nn.Module, NumberWords]:
    """Train the Transformer of lecture 05."""
    of = lecture("05")
    pairs, _, _ = of.load_pairs()
    model, _ = of.train_transformer(of.in_order, pairs, SEED)
    return model, pairs


@cache
def words_of_heads() -> tuple[Vocabulary, Vocabulary]:
    """Number the words that the Transformer is trained on."""
    pairs, _, _ = lecture("05").load_pairs()
    return Vocabulary(pairs.source), Vocabulary(pairs.target)


def looking_back_is_right(model: nn.Module, pairs: NumberWords) -> list[bool]:
    """Say of each number whether the translator of lecture 02 writes it without an error."""
    return lecture("02").exact_matches(model, pairs)


def one_vector_is_right(model: nn.Module, pairs: NumberWords) -> list[bool]:
    """Say of each number whether the translator of lecture 01 writes it without an error."""
    of = lecture("01")
    source, target = of.encode_pairs(pairs, *words_of_one_vector())
    return of.exact_match(model, pad(source), pad(target)).tolist()


def heads_are_right(model: nn.Module, pairs: NumberWords) -> list[bool]:
    """Say of each number whether the Transformer of lecture 05 writes it without an error."""
    written = lecture("05").translations(model, pairs, *words_of_heads())
    return [*map(tuple.__eq__, written, pairs.target)]


Right = Callable[[nn.Module, NumberWords], list[bool]]
TRAINERS = {"translator": train_looking_back, "fixed_vector": train_one_vector, "transformer": train_heads}
RIGHTS: dict[str, Right] = {
    "translator": looking_back_is_right,
    "fixed_vector": one_vector_is_right,
    "transformer": heads_are_right,
}


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


def first_of_looking_back(model: nn.Module) -> dict[str, Any]:
    """Translate the first number with lecture 02, for the picture that is there without a script."""
    return first_state(lecture("02").teacher_forced_weights(model, translate([FIRST]))[0])


def first_of_heads(model: nn.Module) -> dict[str, Any]:
    """Translate the first number with lecture 05, seen by the head that is most often on a true partner."""
    of = lecture("05")
    _, held_out, _ = of.load_pairs()
    some, words = held_out.subset(range(RANKED_ON)), words_of_heads()
    shares = of.share_on_partners(of.cross_weights(model, of.encode_pairs(some, *words)), some.alignments)
    best = int(shares.argmax())
    layer, head = divmod(best, of.N_HEADS)
    first = first_state(of.cross_weights(model, of.encode_pairs(translate([FIRST]), *words))[0, best])
    return first | {"layer": layer, "head": head, "on_a_partner": round(shares[best].item(), 3), "of": RANKED_ON}


def first_state(weights: Float[Tensor, "tgt_len src_len"]) -> dict[str, Any]:
    """Write down the first number, and where the decoder looks before each of its words."""
    pair = translate([FIRST])
    return {
        "number": FIRST,
        "ask": ASKED,
        "english": list(pair.source[0]),
        "german": list(pair.target[0]),
        "weights": [[round(weight, 3) for weight in row] for row in weights[:-1].tolist()],  # no row for <eos>
    }


FILES = {  # the models of each, and the first state of the first one
    STORED: (("translator", "fixed_vector"), first_of_looking_back),
    STORED_TRANSFORMER: (("transformer",), first_of_heads),
}


def write(file: Path) -> None:
    """Train the models of a file, round them, count, and write them."""
    names, first = FILES[file]
    models, trained_on, weights = {}, {}, {}
    for name in names:
        models[name], trained_on[name] = TRAINERS[name]()
        pairs = trained_on[name]
        words = Vocabulary(pairs.source).words, Vocabulary(pairs.target).words
        weights[name] = Weights(*words, dict(models[name].named_parameters()))
    packed = pack(weights, STEPS)
    counted = numbers_to_count_on(trained_on)
    exact_match = {}
    for name, rounded in unpack(packed).items():
        before = percent_right(RIGHTS[name], models[name], counted)
        parameters = {parameter: kept.float() for parameter, kept in rounded.parameters.items()}
        models[name].load_state_dict(models[name].state_dict() | parameters)
        after = percent_right(RIGHTS[name], models[name], counted)
        exact_match[name] = {"trained": round(before, 2), "rounded": round(after, 2)}
        print(f"{name}: {before:.2f} % right, rounded {after:.2f} %", flush=True)
    if not all(RIGHTS[names[0]](models[names[0]], translate([FIRST]))):
        raise RuntimeError(f"The {names[0]} gets {FIRST:,} wrong; choose another first number.")
    made = {
        name: {"seed": SEED, "lecture": OF_LECTURE[name], "trained_on": len(trained_on[name]), "step": STEPS[name]}
        | {setting.lower(): getattr(lecture(OF_LECTURE[name]), setting) for setting in SETTINGS[name]}
        for name in names
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
        "first": first(models[names[0]]),
        **packed,
    }
    write_atomically(file, (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode("utf-8"))
    print(f"{file.name}: {file.stat().st_size:,} bytes, sha256 of the numbers {packed['sha256']}")


def main(command_line: Sequence[str]) -> int:
    """Write both files, or the one that is named."""
    parser = argparse.ArgumentParser(description="Train the translators of the stages, and write their weights.")
    parser.add_argument("file", nargs="?", choices=[file.name for file in FILES], help="write this one alone")
    wanted = parser.parse_args(command_line).file
    for file in FILES:
        if wanted in (None, file.name):
            write(file)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
