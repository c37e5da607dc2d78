"""Lecture 04: convolution: what is asked, our answers, and the mistakes that are known."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Exercise, WrongAnswer, prediction


def receptive_field(kernel_size: int, dilations: list[int]) -> int:
    """Count the input positions that one output of a stack of convolutions depends on."""
    return 1 + (kernel_size - 1) * sum(dilations)


def _draw_stack() -> tuple:
    layers = int(torch.randint(2, 5, ()))
    return 2 * int(torch.randint(1, 4, ())) + 1, torch.randint(1, 9, (layers,)).tolist()


def convolve(
    x: Float[Tensor, "length d_in"], weight: Float[Tensor, "d_out d_in 3"], bias: Float[Tensor, "d_out"]
) -> Float[Tensor, "length d_out"]:
    """Convolve words with a kernel three words wide, zeros beyond both ends."""
    return F.conv1d(x.T, weight, bias, padding=1).T


def _words_within(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return F.conv1d(x.T, weight, bias).T


def _wrapped_around(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return _words_within(torch.cat([x[-1:], x, x[:1]]), weight, bias)


def _ends_repeated(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return _words_within(torch.cat([x[:1], x, x[-1:]]), weight, bias)


def _two_words_back(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return _words_within(F.pad(x, (0, 0, 2, 0)), weight, bias)


def _each_component_alone(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    summed = x.sum(1, keepdim=True)
    return convolve(summed, weight.sum(1, keepdim=True), bias)


def causal_convolution(
    x: Float[Tensor, "batch d_in length"], weight: Float[Tensor, "d_out d_in kernel_size"], dilation: int
) -> Float[Tensor, "batch d_out length"]:
    """Convolve so that no output depends on a later input."""
    return F.conv1d(F.pad(x, (_reach(weight, dilation), 0)), weight, dilation=dilation)


def _reach(weight: Tensor, dilation: int) -> int:
    return dilation * (weight.shape[2] - 1)


def _draw_causal() -> tuple:
    kernel_size = 2 * int(torch.randint(1, 3, ())) + 1
    return torch.randn(2, 5, 19), torch.randn(7, 5, kernel_size), int(torch.randint(2, 5, ()))


def _padded(before: int, behind: int, x: Tensor, weight: Tensor, dilation: int) -> Tensor:
    return F.conv1d(F.pad(x, (before, behind)), weight, dilation=dilation)


def _both_sides(x: Tensor, weight: Tensor, dilation: int) -> Tensor:
    half = _reach(weight, dilation) // 2
    return _padded(half, half, x, weight, dilation)


def _nothing_cut(x: Tensor, weight: Tensor, dilation: int) -> Tensor:
    reach = _reach(weight, dilation)
    return _padded(reach, reach, x, weight, dilation)


def _without_itself(x: Tensor, weight: Tensor, dilation: int) -> Tensor:
    return _padded(_reach(weight, dilation) + 1, 0, x, weight, dilation)[..., :-1]


def _end_in_front(x: Tensor, weight: Tensor, dilation: int) -> Tensor:
    reach = _reach(weight, dilation)
    return _padded(0, 0, torch.cat([x[..., -reach:], x], dim=-1), weight, dilation)


PADDING = None  # what stands behind the last word
NOT_TWO = "Return two sentences, each a list with at least one word."
STRINGS = "A sentence is a list of words, not one string."
FOREIGN = "Your sentences use something that is not in the list of words."
SAME = "Both sentences are the same; of course nothing can tell them apart."


def _windows(sentence: list[str]) -> set[tuple]:
    return set(zip(sentence, [*sentence[1:], PADDING], strict=True))


def _is_list(result: Any) -> bool:
    return isinstance(result, list | tuple)


def _twins_fault(result: Any, words: list[str]) -> str | None:
    """Say why two sentences are no twins, or name a window that only one of them has."""
    if _is_list(result) and any(isinstance(sentence, str) for sentence in result):
        return STRINGS
    if not _is_list(result) or len(result) != 2 or not all(_is_list(sentence) and sentence for sentence in result):
        return NOT_TWO
    first, second = map(list, result)
    if not all(word in words for word in first + second):
        return FOREIGN
    if first == second:
        return SAME
    alone = sorted(_windows(first) ^ _windows(second), key=str)
    if not alone:
        return None
    left, right = alone[0]
    return f"Only one of your sentences has the window ({left}, {'padding' if right is PADDING else right})."


def _draw_words() -> tuple:
    words = ["no", "film", "was", "never", "good", "plot", "bad"]
    count = int(torch.randint(3, 6, ()))
    return ([words[i] for i in torch.randperm(7)[:count].tolist()],)


EXERCISES: dict[str, Exercise] = {
    "04_layers_needed": prediction(
        (25, 3),
        {
            "five a layer": (
                (20, 3),
                "Your contiguous layers reach five positions each. A window five words wide holds the position itself: "
                "count the gaps, not the posts.",
            ),
            "itself counted": (
                (26, 3),
                "You count positions that are heard, and the position itself is one of them; it needs no layer.",
            ),
            "both sides": (
                (50, 4),
                "You let half of each window look ahead. These windows are causal: all of it lies behind.",
            ),
            "one a layer": (
                (100, 3),
                "One position a layer is what a recurrent network does, or a window two words wide.",
            ),
            "stopped early": (
                (25, 2),
                "Two dilated layers fall short: add up how far each of them reaches back.",
            ),
            "last dilation alone": (
                (25, 4),
                "One dilated layer too many: you ask when the largest dilation alone is 100, but a layer reaches "
                "several times its dilation, and the layers below add theirs.",
            ),
            "doubled": (
                (25, 5),
                "You double the dilation from layer to layer. Here it grows faster.",
            ),
            "exchanged": (
                (3, 25),
                "The two numbers are exchanged: contiguous first.",
            ),
        },
    ),
    "04_receptive_field": Exercise(
        receptive_field,
        _draw_stack,
        {
            "kernel times layers": WrongAnswer(
                lambda kernel_size, dilations: kernel_size * len(dilations),
                "Stacked windows overlap: a second layer adds only what lies beyond the first one's window.",
            ),
            "dilation ignored": WrongAnswer(
                lambda kernel_size, dilations: 1 + (kernel_size - 1) * len(dilations),
                "This is right for dilation 1; a dilated kernel steps over positions and reaches further.",
            ),
            "own position forgotten": WrongAnswer(
                lambda kernel_size, dilations: (kernel_size - 1) * sum(dilations),
                "One too few: the position itself is seen as well.",
            ),
            "kernel not reduced": WrongAnswer(
                lambda kernel_size, dilations: 1 + kernel_size * sum(dilations),
                "A kernel of k positions reaches k − 1 steps, not k: count the gaps, not the posts.",
            ),
            "one side": WrongAnswer(
                lambda kernel_size, dilations: 1 + (kernel_size - 1) // 2 * sum(dilations),
                "You count one side only; a centred kernel sees both.",
            ),
            "last layer only": WrongAnswer(
                lambda kernel_size, dilations: 1 + (kernel_size - 1) * dilations[-1],
                "You count the last layer alone; each layer below widens what it sees.",
            ),
        },
    ),
    "04_causal_convolution": Exercise(
        causal_convolution,
        _draw_causal,
        {
            "both sides": WrongAnswer(
                _both_sides,
                "You have kept the bug: half of the zeros stand behind the sentence, so half of the kernel reaches "
                "into the future, and the word to be predicted is among the inputs.",
            ),
            "all behind": WrongAnswer(
                lambda x, weight, dilation: _padded(0, _reach(weight, dilation), x, weight, dilation),
                "All zeros stand behind the sentence: now the layer sees the future alone.",
            ),
            "dilation not padded": WrongAnswer(
                lambda x, weight, dilation: _padded(weight.shape[2] - 1, 0, x, weight, dilation),
                "The output is too short: a dilated kernel is longer than its number of taps, and needs more zeros.",
            ),
            "dilation ignored": WrongAnswer(
                lambda x, weight, dilation: causal_convolution(x, weight, 1),
                "This looks back only, but contiguously: the dilation is not used.",
            ),
            "not itself": WrongAnswer(
                _without_itself,
                "One position too far back: the last tap meets the word before, and no output sees its own input. A "
                "language model shifts its targets; it need not shift here as well.",
            ),
            "nothing cut": WrongAnswer(
                _nothing_cut,
                "The output is longer than the input: padding=… in Conv1d pads both sides, and what lies behind the "
                "sentence is nobody's output.",
            ),
            "no padding": WrongAnswer(
                lambda x, weight, dilation: _padded(0, 0, x, weight, dilation),
                "Without zeros the output is shorter, and its first number belongs to a word in the middle.",
            ),
            "flipped": WrongAnswer(
                lambda x, weight, dilation: causal_convolution(x, weight.flip(2), dilation),
                "The kernel is flipped: here the last tap meets the word itself, as in F.conv1d.",
            ),
            "end in front": WrongAnswer(
                _end_in_front,
                "In front of the sentence you put its own end: the first words see the last. Zeros belong there.",
            ),
        },
    ),
    "04_convolve": Exercise(
        convolve,
        lambda: (torch.randn(7, 5), torch.randn(11, 5, 3), torch.randn(11)),
        {
            "flipped": WrongAnswer(
                lambda x, weight, bias: convolve(x, weight.flip(2), bias),
                "The kernel is flipped: the matrix of the word before meets the word after, and the other way round.",
            ),
            "no padding": WrongAnswer(
                _words_within,
                "Two positions are missing: the first and the last word have only one neighbour, and a zero vector "
                "for the other.",
            ),
            "wrapped around": WrongAnswer(
                _wrapped_around,
                "The ends are glued together: the first word takes the last one for its neighbour, as torch.roll does. "
                "A sentence is not a ring.",
            ),
            "ends repeated": WrongAnswer(
                _ends_repeated,
                "At the ends you repeat the first and the last word; beyond the sentence there are zeros.",
            ),
            "two words back": WrongAnswer(
                _two_words_back,
                "All zeros stand in front: each position sees itself and two words before, none after. That is the "
                "causal convolution; this one is centred.",
            ),
            "no bias": WrongAnswer(
                lambda x, weight, bias: convolve(x, weight, 0 * bias),
                "The bias is missing.",
            ),
            "bias at each offset": WrongAnswer(
                lambda x, weight, bias: convolve(x, weight, 3 * bias),
                "The bias is added with each of the three copies; it belongs to the output, once.",
            ),
            "own word only": WrongAnswer(
                lambda x, weight, bias: x @ weight[:, :, 1].T + bias,
                "Each word is alone: nothing comes from its neighbours, so order plays no part.",
            ),
            "nothing shifted": WrongAnswer(
                lambda x, weight, bias: x @ weight.sum(2).T + bias,
                "You use all three matrices, but all on the word itself: the copies are not shifted.",
            ),
            "one matrix": WrongAnswer(
                lambda x, weight, bias: convolve(x, weight[:, :, 1:2].expand(-1, -1, 3), bias),
                "All three offsets share one matrix: the network cannot tell the word before from the word after.",
            ),
            "components summed": WrongAnswer(
                _each_component_alone,
                "You add up the components of a word before they meet their weights: each component has a weight of "
                "its own.",
            ),
            "transposed": WrongAnswer(
                lambda x, weight, bias: convolve(x, weight, bias).T,
                "Rows and columns are exchanged: one row a word (F.conv1d wants the channels first, we do not).",
            ),
        },
    ),
    "04_twins": Exercise(
        lambda words: ([words[0], words[1], words[0]], [words[0], words[1], words[0], words[1], words[0]]),
        _draw_words,
        {
            "the same": WrongAnswer(lambda words: (words, words), SAME),
            "another order": WrongAnswer(
                lambda words: (words, words[::-1]),
                "The same words backwards: a bag of words could not tell them apart, but windows of two see who "
                "follows whom.",
            ),
            "neighbours exchanged": WrongAnswer(
                lambda words: (words[:3], [words[1], words[0], words[2]]),
                "You exchange two words: every pair around them is another one now.",
            ),
            "a word twice": WrongAnswer(
                lambda words: (words[:2], [words[0], words[1], words[1]]),
                "You repeat a word. A maximum does not count words, right; but a word beside itself is a window that "
                "the other sentence does not have.",
            ),
            "the sentence twice": WrongAnswer(
                lambda words: (words, words + words),
                "You repeat the whole sentence. A maximum does not count, right; but where the two copies meet there "
                "is a new window.",
            ),
            "another end": WrongAnswer(
                lambda words: ([words[0], words[1], words[0]], [words[1], words[0], words[1]]),
                "Nearly: both have the same pairs of words. But the last word has a window too, with the zeros behind "
                "it.",
            ),
            "padding as a word": WrongAnswer(
                lambda words: (words, [*words, "<pad>"]),
                "Padding is no word of the list; two sentences that differ only there are the same sentence.",
            ),
            "strings": WrongAnswer(
                lambda words: (" ".join(words), " ".join(words[::-1])),
                STRINGS,
            ),
            "an empty one": WrongAnswer(
                lambda words: (words, []),
                NOT_TWO,
            ),
        },
        fault=_twins_fault,
    ),
}
