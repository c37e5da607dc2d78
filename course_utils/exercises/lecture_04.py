"""Lecture 04: convolution: what is asked, our answers, and the mistakes that are known."""

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Answer, Exercise, WrongAnswer, prediction, primes, single_slips


def receptive_field(kernel_size: int, dilations: list[int]) -> int:
    """Count the input positions that one output of a stack of convolutions depends on."""
    return 1 + (kernel_size - 1) * sum(dilations)


def _draw_stack() -> tuple:
    layers = int(torch.randint(2, 5, ()))
    return int(torch.randint(2, 9, ())), torch.randint(1, 9, (layers,)).tolist()


def _why_not_so_many(answer: Any) -> str | None:
    """Say of each of the two numbers of layers what is wrong with it."""
    if isinstance(answer, Tensor):
        answer = answer.tolist()
    if isinstance(answer, str) or not isinstance(answer, list | tuple) or len(answer) != 2:
        return "Write a tuple of two whole numbers, in brackets and with a comma: (contiguous, dilated)."
    answer = [part.item() if isinstance(part, Tensor) and part.numel() == 1 else part for part in answer]
    if any(isinstance(part, bool) or not isinstance(part, int | float) for part in answer):
        return "Write a tuple of two whole numbers, without quotation marks: (contiguous, dilated)."
    if any(part != int(part) for part in answer):
        return "There are no parts of layers: round up to whole numbers, for with fewer the stack falls short."
    contiguous, dilated = map(int, answer)
    told = _of_contiguous(contiguous), _of_dilated(dilated)
    return " ".join(part for part in told if part) or None


def _of_contiguous(layers: int) -> str | None:
    if layers == 25:
        return None
    known = {
        24: "Contiguous: one layer short. Each adds four positions; count up to exactly 100.",
        26: "Contiguous: one too many. The position itself is heard without any layer (off by one).",
        20: "Contiguous: a layer does not reach five positions back. One of the five is the position itself.",
        50: "Contiguous: you let half of each window look ahead. These are causal: all of it lies behind.",
        100: "Contiguous: one position per layer is what a recurrent network does, or a window two words wide.",
    }
    more = "too few" if layers < 25 else "too many"
    return known.get(layers, f"Contiguous: {layers} are {more}. How far back does one layer reach, and how far do two?")


def _of_dilated(layers: int) -> str | None:
    if layers == 3:
        return None
    if layers < 3:
        return f"Dilated: {layers} fall short. Add up how far each layer reaches back: dilation times gaps."
    known = {
        4: "Dilated: one too many. A layer reaches several times its dilation, and the layers below add theirs.",
        5: "Dilated: too many. You double the dilation from layer to layer, perhaps; here it grows faster.",
    }
    return known.get(layers, f"Dilated: {layers} are too many. The reach is not the same in each layer: it grows.")


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


def _draw_causal(kernel_size: int = 0, dilation: int = 0) -> tuple:
    batch, d_in, d_out = primes(3)
    length = primes(1, (17, 19, 23))[0]
    kernel_size = kernel_size or 2 * int(torch.randint(1, 3, ())) + 1
    dilation = dilation or int(torch.randint(2, 5, ()))
    return torch.randn(batch, d_in, length), torch.randn(d_out, d_in, kernel_size), dilation


def _words_and_matrices(length: int = 0) -> tuple:
    drawn, d_in, d_out = primes(3)
    return torch.randn(length or drawn, d_in), torch.randn(d_out, d_in, 3), torch.randn(d_out)


def _shifted(before: Answer, centre: Answer, after: Answer, combine: Answer) -> Answer:
    """Convolve by three copies, made and combined in ways of one's choice."""

    def wrong(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        left, middle, right = weight.unbind(2)
        return combine([before(x) @ left.T, centre(x) @ middle.T, after(x) @ right.T], bias)

    return wrong


def _later(x: Tensor, steps: int = 1) -> Tensor:
    return torch.cat([torch.zeros(min(steps, len(x)), x.shape[1]), x[: max(0, len(x) - steps)]])


def _sooner(x: Tensor, steps: int = 1) -> Tensor:
    return _later(x.flip(0), steps).flip(0)


def _itself(x: Tensor) -> Tensor:
    return x


_COPY_SLOTS = (
    (
        _later,
        {
            "end before the first": (
                lambda x: torch.cat([x[-1:], x[:-1]]),
                "The word before the first is the last one in yours (x[i − 1] at i = 0 is x[−1], or torch.roll): there "
                "should be zeros.",
            ),
            "two words before": (
                lambda x: _later(x, 2),
                "The left matrix meets the word two places before; it should be the one before.",
            ),
            "first repeated": (lambda x: torch.cat([x[:1], x[:-1]]), "At the front you repeat the first word; zeros."),
            "no left neighbour": (lambda x: 0 * x, "The left neighbour takes no part."),
            "left not shifted": (_itself, "The left matrix meets the word itself: that copy is not shifted."),
        },
    ),
    (
        _itself,
        {
            "centre twice": (lambda x: 2 * x, "The word itself counts twice: is it added once more (a residual)?"),
            "no centre": (lambda x: 0 * x, "The word itself takes no part: only its neighbours are heard."),
        },
    ),
    (
        _sooner,
        {
            "first behind the last": (
                lambda x: torch.cat([x[1:], x[:1]]),
                "The word after the last is the first one in yours (torch.roll or a modulo): there should be zeros.",
            ),
            "two words after": (
                lambda x: _sooner(x, 2),
                "The right matrix meets the word two places ahead; it should be the one after.",
            ),
            "last repeated": (lambda x: torch.cat([x[1:], x[-1:]]), "At the end you repeat the last word; zeros."),
            "no right neighbour": (lambda x: 0 * x, "The right neighbour takes no part."),
            "right not shifted": (_itself, "The right matrix meets the word itself: that copy is not shifted."),
        },
    ),
    (
        lambda parts, bias: sum(parts) + bias,
        {
            "average": (
                lambda parts, bias: sum(parts) / 3 + bias,
                "You average the three (mean for sum); they are added up.",
            ),
            "bias averaged too": (
                lambda parts, bias: (sum(parts) + bias) / 3,
                "You divide everything by three (mean for sum); the three are added up.",
            ),
            "largest": (
                lambda parts, bias: torch.stack(parts).amax(0) + bias,
                "You take the largest of the three; they are added up.",
            ),
            "product": (lambda parts, bias: parts[0] * parts[1] * parts[2] + bias, "You multiply the three; add them."),
            "bias subtracted": (lambda parts, bias: sum(parts) - bias, "You subtract the bias; it is added."),
            "not added": (
                lambda parts, bias: torch.stack(parts) + bias,
                "You do not add the three up: they are stacked.",
            ),
            "joined": (
                lambda parts, bias: torch.cat([part + bias for part in parts], 1),
                "You join the three side by side (cat); they are added up.",
            ),
            "ReLU": (
                lambda parts, bias: (sum(parts) + bias).relu(),
                "A ReLU is applied to the result; a convolution alone has none.",
            ),
            "ends left at zero": (
                lambda parts, bias: torch.cat(
                    [torch.zeros(1, len(bias)), (sum(parts) + bias)[1:-1], torch.zeros(1, len(bias))]
                ),
                "You leave the first and the last position (the edges) at zero; they have one neighbour each.",
            ),
            "bias at the ends alone": (
                lambda parts, bias: torch.cat([bias[None], (sum(parts) + bias)[1:-1], bias[None]]),
                "The first and the last position (the edges) get the bias alone; they have one neighbour each.",
            ),
        },
    ),
)


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
    if _is_list(result) and len(result) > 2 and all(isinstance(word, str) for word in result):
        return "You return one flat list of words. Return two sentences, each a list of words."
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
    count = int(torch.randint(3, 7, ()))
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
        _why_not_so_many,
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
            "last layer, uncorrected": WrongAnswer(
                lambda kernel_size, dilations: kernel_size + (kernel_size - 1) * sum(dilations),
                "You begin with a whole kernel; with no layer at all an output depends on one position.",
            ),
            "product": WrongAnswer(
                lambda kernel_size, dilations: 1 + (kernel_size - 1) * math.prod(dilations),
                "You multiply the dilations; what the layers reach adds up.",
            ),
            "product of the layers": WrongAnswer(
                lambda kernel_size, dilations: math.prod(1 + (kernel_size - 1) * d for d in dilations),
                "You multiply the windows of the layers; what each reaches beyond the one below adds up.",
            ),
            "largest dilation": WrongAnswer(
                lambda kernel_size, dilations: 1 + (kernel_size - 1) * max(dilations),
                "You count the largest dilation alone (max); each layer adds what it reaches (sum).",
            ),
            "first layer only": WrongAnswer(
                lambda kernel_size, dilations: 1 + (kernel_size - 1) * dilations[0],
                "You count the first layer alone; each layer above widens what it sees.",
            ),
            "power": WrongAnswer(
                lambda kernel_size, dilations: kernel_size ** len(dilations),
                "You let the field grow as a power of the kernel; stacked windows overlap, so reaches add up.",
            ),
            "doubling": WrongAnswer(
                lambda kernel_size, dilations: 1 + (kernel_size - 1) * (2 ** len(dilations) - 1),
                "You assume dilations that double from layer to layer; take those that are given.",
            ),
            "windows added": WrongAnswer(
                lambda kernel_size, dilations: sum(1 + (kernel_size - 1) * d for d in dilations),
                "You add up whole windows: each layer brings the position itself along again. It counts once.",
            ),
            "windows stretched": WrongAnswer(
                lambda kernel_size, dilations: kernel_size * sum(dilations),
                "A kernel of k positions reaches k − 1 steps, not k, and the position itself counts once: count the "
                "gaps, not the posts.",
            ),
            "dilations added": WrongAnswer(
                lambda kernel_size, dilations: 1 + kernel_size - 1 + sum(dilations),
                "You add kernel and dilations; each gap between taps is as long as the dilation: multiply.",
            ),
            "gaps of d + 1": WrongAnswer(
                lambda kernel_size, dilations: 1 + (kernel_size - 1) * sum(d + 1 for d in dilations),
                "You are off by one in each gap: a dilation of d is a step of d.",
            ),
            "gaps of d − 1": WrongAnswer(
                lambda kernel_size, dilations: 1 + (kernel_size - 1) * sum(d - 1 for d in dilations),
                "You are off by one in each gap, d − 1 in place of d: dilation 1 is no dilation, and a step of 1.",
            ),
            "both sides": WrongAnswer(
                lambda kernel_size, dilations: 1 + 2 * (kernel_size - 1) * sum(dilations),
                "You count both sides in full: k − 1 gaps are all that a kernel has, before and behind together.",
            ),
            "mean dilation": WrongAnswer(
                lambda kernel_size, dilations: 1 + (kernel_size - 1) * sum(dilations) / len(dilations),
                "You take the mean of the dilations; they are added up.",
            ),
            "even kernels halved": WrongAnswer(
                lambda kernel_size, dilations: 1 + 2 * (kernel_size // 2) * sum(dilations),
                "Right for odd kernels. With an even width the two halves differ, and twice k // 2 is one gap too "
                "many: "
                "count the gaps, k − 1.",
            ),
            "even kernels cut": WrongAnswer(
                lambda kernel_size, dilations: 1 + 2 * ((kernel_size - 1) // 2) * sum(dilations),
                "Right for odd kernels. With an even width the two halves differ, and twice (k − 1) // 2 is one gap "
                "too "
                "few: count the gaps, k − 1.",
            ),
        },
        hard={
            "for a single layer": lambda: (5, [3]),
            "for an even kernel and a single contiguous layer": lambda: (4, [1]),
            "for a kernel of one position": lambda: (1, [2, 3]),
            "for no layer at all": lambda: (3, []),
        },
    ),
    "04_causal_convolution": Exercise(
        causal_convolution,
        _draw_causal,
        {
            "half, twice, in front": WrongAnswer(
                lambda x, weight, dilation: _padded(
                    2 * (dilation * (weight.shape[2] - 1) // 2), 0, x, weight, dilation
                ),
                "Right where the old padding can be doubled. For an even kernel its half was rounded down, so that "
                "twice "
                "of it is one zero too few.",
            ),
            "one zero too few": WrongAnswer(
                lambda x, weight, dilation: _padded(_reach(weight, dilation) - 1, 0, x, weight, dilation),
                "One zero too few in front: off by one.",
            ),
            "one zero too many": WrongAnswer(
                lambda x, weight, dilation: _padded(_reach(weight, dilation) + 1, 0, x, weight, dilation),
                "One zero too many in front: off by one.",
            ),
            "k·d zeros": WrongAnswer(
                lambda x, weight, dilation: _padded(dilation * weight.shape[2], 0, x, weight, dilation),
                "Too many zeros in front: between the k taps of a kernel there are k − 1 gaps, not k.",
            ),
            "k·d zeros, cut": WrongAnswer(
                lambda x, weight, dilation: _padded(dilation * weight.shape[2], 0, x, weight, dilation)[
                    ..., :-dilation
                ],
                "Too far back by one dilation: k·d zeros stand in front, for k taps have k − 1 gaps; the last tap "
                "meets "
                "an earlier input, and no output sees its own.",
            ),
            "sentence flipped": WrongAnswer(
                lambda x, weight, dilation: causal_convolution(x.flip(2), weight, dilation).flip(2),
                "You flip the sentence and flip it back: now each output sees the future alone.",
            ),
            "flipped, not back": WrongAnswer(
                lambda x, weight, dilation: causal_convolution(x.flip(2), weight, dilation),
                "The sentence is flipped and not flipped back.",
            ),
            "future taps zeroed": WrongAnswer(
                lambda x, weight, dilation: _both_sides(
                    x, weight * (torch.arange(weight.shape[2]) <= weight.shape[2] // 2), dilation
                ),
                "You set the taps that look ahead to zero: causal, but half of the kernel is lost. Move it instead.",
            ),
            "past taps zeroed": WrongAnswer(
                lambda x, weight, dilation: _both_sides(
                    x, weight * (torch.arange(weight.shape[2]) >= weight.shape[2] // 2), dilation
                ),
                "You set the taps that look back to zero: only the future is left.",
            ),
            "zeros before the output": WrongAnswer(
                lambda x, weight, dilation: F.pad(
                    F.conv1d(x, weight, dilation=dilation), (_reach(weight, dilation), 0)
                ),
                "You put the zeros before the output. They belong before the input: the first outputs see the words "
                "that "
                "there are.",
            ),
            "output repeated": WrongAnswer(
                lambda x, weight, dilation: F.conv1d(
                    F.pad(x, (_reach(weight, dilation), 0), mode="replicate"), weight, dilation=dilation
                ),
                "In front of the sentence you repeat its first word; zeros belong there.",
            ),
            "stride for dilation": WrongAnswer(
                lambda x, weight, dilation: F.conv1d(F.pad(x, (weight.shape[2] - 1, 0)), weight, stride=dilation),
                "You use the dilation as a stride: outputs are left out.",
            ),
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
        hard={
            "for a kernel of two taps": lambda: _draw_causal(2, 1),
            "for an even kernel and an odd dilation": lambda: _draw_causal(4, 3),
            "for a kernel of one tap": lambda: _draw_causal(1, 2),
            "for dilation 1": lambda: _draw_causal(3, 1),
        },
    ),
    "04_convolve": Exercise(
        convolve,
        _words_and_matrices,
        {
            **single_slips(_shifted, _COPY_SLOTS),
            "two words ahead": WrongAnswer(
                lambda x, weight, bias: _words_within(F.pad(x, (0, 0, 0, 2)), weight, bias),
                "All zeros stand behind: each position sees itself and two words ahead, none before.",
            ),
            "copies in other places": WrongAnswer(
                lambda x, weight, bias: convolve(x, weight[:, :, [1, 0, 2]], bias),
                "The matrix of the word before meets the word itself, and the other way round.",
            ),
            "next exchanged": WrongAnswer(
                lambda x, weight, bias: convolve(x, weight[:, :, [0, 2, 1]], bias),
                "The matrix of the word after meets the word itself, and the other way round.",
            ),
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
        hard={
            "for a sentence of one word": lambda: _words_and_matrices(1),
            "for a sentence of two words": lambda: _words_and_matrices(2),
        },
        slots=_COPY_SLOTS,
        assemble=_shifted,
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
