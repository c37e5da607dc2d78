"""Lecture 04: convolution: what is asked, our answers, and the mistakes that are known."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Entry, Exercise, WrongAnswer, primes, table
from course_utils.exercises.reading import as_tensor

N_MARKERS = 4


DISTANCES = (1, 2, 3, 5, 29)  # between the markers; the first two fit into one window of three words


def marker_filters(n_words: int) -> tuple[Tensor, Tensor, float]:
    """Give filters that fire on one marker each, a weight for each filter, and what is added to the sum."""
    filters = torch.zeros(N_MARKERS, n_words + N_MARKERS, 3)
    filters[:, n_words:, 0] = torch.eye(N_MARKERS)
    return filters, -torch.ones(N_MARKERS), 1.5


def _with_filters(filters: Tensor, weight: float = -1.0, bias: float = 1.5) -> tuple[Tensor, Tensor, float]:
    return filters, weight * torch.ones(len(filters)), bias


def _filters_at(tap: int, first: int, n_words: int) -> tuple[Tensor, Tensor, float]:
    filters = torch.zeros(N_MARKERS, n_words + N_MARKERS, 3)
    filters[:, first : first + N_MARKERS, tap] = torch.eye(N_MARKERS)
    return _with_filters(filters)


def _all_taps(n_words: int) -> tuple[Tensor, Tensor, float]:
    return _with_filters(marker_filters(n_words)[0][:, :, :1].repeat(1, 1, 3))


def _one_filter(n_words: int) -> tuple[Tensor, Tensor, float]:
    return _with_filters(marker_filters(n_words)[0].sum(0, keepdim=True))


NOT_THREE = "Return three things: the filters, a weight for each of them, and the bias."


def _marker_answers(filters: Tensor, weight: Tensor, bias: Any, ids: Tensor) -> Tensor:
    """Answer as TextCNN does, from one-hot words: filters, the maximum over the sentence, a linear layer."""
    words = F.one_hot(ids, filters.shape[1]).double().transpose(1, 2)
    fired = F.conv1d(F.pad(words, (0, filters.shape[2] - 1)), filters.double())
    return fired.relu().amax(-1) @ weight.double() + bias


def _marked(n_words: int, distance: int) -> Tensor:
    """Give a sentence for each first and last marker, with words between them."""
    first, last = torch.arange(N_MARKERS**2) // N_MARKERS, torch.arange(N_MARKERS**2) % N_MARKERS
    between = torch.arange(N_MARKERS**2 * (distance - 1)).view(N_MARKERS**2, -1) % n_words
    return torch.cat([n_words + first[:, None], between, n_words + last[:, None]], dim=1)


def _is_right_at(distance: int, filters: Tensor, weight: Tensor, bias: Tensor, n_words: int) -> bool:
    ids = _marked(n_words, distance)
    answers = _marker_answers(filters, weight, bias, ids)
    return bool((torch.where(ids[:, 0] == ids[:, -1], answers, -answers) > 0).all())


def _misfiring(filters: Tensor, n_words: int) -> str | None:
    """Say which filter fires on text, or which marker none of them sees as the last word of a sentence."""
    words = torch.eye(n_words + N_MARKERS, dtype=torch.double)
    fired = torch.einsum("fwk,vw->fvk", filters.double(), words)  # what each tap makes of each word
    loud = (fired[:, :n_words].amax((1, 2)) > 0).nonzero().flatten().tolist()
    if loud:
        return f"Filter {loud[0]} of yours fires on words of text, which tell nothing; only its marker should."
    for marker in range(N_MARKERS):
        if not (fired[:, n_words + marker, 0] > 0).any():
            return f"No filter of yours fires on marker {marker} at the front of a window, where the last word stands."
    return None


def _filters_fault(result: Any, n_words: int) -> str | None:
    """Try a network whose filters were set by hand on every pair of markers, at several distances."""
    if not _is_list(result) or len(result) != 3:
        return NOT_THREE
    filters, weight, bias = map(as_tensor, result)
    if not all(isinstance(part, Tensor) for part in (filters, weight, bias)):
        return NOT_THREE
    if bias.numel() != 1:
        return f"The bias is one number for all, yours has the shape {tuple(bias.shape)}."
    if filters.dim() == 3 and sorted(filters.shape[1:]) == [3, n_words + N_MARKERS] and filters.shape[2] != 3:
        return "The axes of your filters are in another order than asked: (n_filters, n_words + 4, 3)."
    if filters.dim() != 3 or filters.shape[1:] != (n_words + N_MARKERS, 3):
        return f"Expected filters of shape (n_filters, {n_words + N_MARKERS}, 3), found {tuple(filters.shape)}."
    if weight.shape != filters.shape[:1]:
        return f"There are {len(filters)} filters and a weight of shape {tuple(weight.shape)}: one number per filter."
    right = [distance for distance in DISTANCES if _is_right_at(distance, filters, weight, bias, n_words)]
    for distance in DISTANCES:
        ids = _marked(n_words, distance)
        answers = _marker_answers(filters, weight, bias, ids)
        for answer, (first, last) in zip(answers, ids[:, [0, -1]].tolist(), strict=True):
            same = first == last
            if not (answer > 0 if same else answer < 0):
                cause = _misfiring(filters[weight != 0], n_words)
                if right and not cause:
                    cause = f"Right for these distances between the markers, and for no others: {str(right)[1:-1]}."
                if answer.abs() < 1e-6 and not cause:
                    cause = "Exactly zero is neither: your bias is one of the two sums, and belongs between them."
                one, other = first - n_words, last - n_words
                if same:
                    told = (
                        f"With the same marker {one} first and last, {distance} apart, your network answers "
                        f"{answer:.2f}; it should be positive."
                    )
                else:
                    told = (
                        f"With marker {one} first and marker {other} last, {distance} apart, your network answers "
                        f"{answer:.2f}; it should be negative."
                    )
                return f"{cause} {told}" if cause else told
    return None


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


def _cut_short(x: Tensor, weight: Tensor, dilation: int) -> tuple:
    return x[..., :2], weight, dilation


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
    if first[-1] != second[-1]:
        return (
            f"Your sentences end in different words, {first[-1]!r} and {second[-1]!r}, and the last word has a window "
            "too, with the zeros behind it."
        )
    if left == right:
        return f"Only one of your sentences has {left!r} beside itself, and that is a window: ({left}, {right})."
    return f"Only one of your sentences has the window ({left}, {'padding' if right is PADDING else right})."


def _draw_words() -> tuple:
    words = ["no", "film", "was", "never", "good", "plot", "bad"]
    count = int(torch.randint(3, 7, ()))
    return ([words[i] for i in torch.randperm(7)[:count].tolist()],)


EXERCISES: dict[str, Exercise] = {
    "04_layers_needed": table(
        (
            Entry(
                25,
                "How far back does one contiguous layer reach, and how far do two?",
                {
                    24: "Contiguous: one layer short. Each adds four positions; count up to exactly 100.",
                    26: "Contiguous: one too many. The position itself is heard without any layer (off by one).",
                    20: "Contiguous: a layer does not reach five positions back. A window five words wide holds the "
                    "position itself: count the gaps, not the posts.",
                    50: "Contiguous: you let half of each window look ahead. These are causal: all of it lies behind.",
                    100: "Contiguous: one position a layer is what a recurrent network does, or a window two words "
                    "wide.",
                },
            ),
            Entry(
                3,
                "A dilated layer reaches back by its dilation times the gaps between its taps; add up the layers.",
                {
                    2: "Two dilated layers fall short: add up how far each of them reaches back.",
                    4: "One dilated layer too many: you ask when the largest dilation alone is 100, perhaps, but a "
                    "layer reaches several times its dilation, and the layers below add theirs.",
                    5: "Dilated: too many. You double the dilation from layer to layer, perhaps; here it grows faster.",
                },
            ),
        ),
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
            "stopped early": (
                (25, 2),
                "Two dilated layers fall short: add up how far each of them reaches back.",
            ),
            "exchanged": (
                (3, 25),
                "The two numbers are exchanged: contiguous first.",
            ),
            "one a layer, doubled": (
                (100, 5),
                "Contiguous layers reach further than one position each, and the dilation grows faster than twofold.",
            ),
        },
    ),
    "04_marker_filters": Exercise(
        marker_filters,
        lambda: ((7, 11, 13, 17, 23)[int(torch.randint(5, ()))],),
        {
            "reversed": WrongAnswer(
                lambda n_words: _with_filters(marker_filters(n_words)[0], weight=1.0, bias=-1.5),
                "Your filters are right and your network says the opposite: the sum over the filters is larger where "
                "two different ones have fired.",
            ),
            "no threshold between": WrongAnswer(
                lambda n_words: _with_filters(marker_filters(n_words)[0], bias=0.0),
                "Your filters are right. One of them has fired for equal markers and two for different ones, and your "
                "bias leaves both sums on the same side of zero.",
            ),
            "on the border": WrongAnswer(
                lambda n_words: _with_filters(marker_filters(n_words)[0], bias=1.0),
                "Where the markers are equal your network answers exactly zero, which is neither positive nor "
                "negative. Put the threshold between the two sums.",
            ),
            "last tap": WrongAnswer(
                lambda n_words: _filters_at(2, n_words, n_words),
                "Your filters look for the marker in the last of their three places. No window begins before the first "
                "word, so none has it there.",
            ),
            "middle tap": WrongAnswer(
                lambda n_words: _filters_at(1, n_words, n_words),
                "Your filters look for the marker in the middle of their three places. No window begins before the "
                "first word, so none has it there.",
            ),
            "all taps": WrongAnswer(
                _all_taps,
                "Nearly: your filters fire wherever in the window a marker is. Where two equal markers are in one "
                "window, the same filter counts both.",
            ),
            "other words": WrongAnswer(
                lambda n_words: _filters_at(0, 0, n_words),
                "Your filters fire on the first four words of the vocabulary. The markers are its last four.",
            ),
            "every word": WrongAnswer(
                lambda n_words: _with_filters(torch.ones(N_MARKERS, n_words + N_MARKERS, 3)),
                "Your filters fire on every word, so they say nothing about the markers.",
            ),
            "one filter": WrongAnswer(
                _one_filter,
                "One filter for all markers fires once as strongly as twice: a maximum does not count. It cannot say "
                "which marker it was.",
            ),
        },
        fault=_filters_fault,
        hard={"where the vocabulary has a single word": lambda: (1,)},
    ),
    "04_pairs_in_a_state": table(
        (
            Entry(
                16,
                "One sign tells two values apart, and there are four: how many signs does a value take, and how many "
                "values fit into 32 signs, if each key has its own place?",
            ),
            Entry(
                64,
                "A filter must fire on one key with one value and on no other pair: how many such pairs are there?",
            ),
            Entry(
                2048,
                "Attention keeps a vector for the key and one for the value of each of the sixteen pairs; count the "
                "numbers in all of them.",
                {
                    64: "The third number is too small: that is one vector. Each pair has two.",
                    16: "The third number is too small: you count pairs. Each is two vectors of sixty-four numbers.",
                },
            ),
        ),
        {
            "one number for each pair": (
                (32, 64, 2048),
                "The first number is too large: one sign tells two values apart, and there are four.",
            ),
            "four signs for a value": (
                (8, 64, 2048),
                "The first number is too small: you use one sign for each of the four values. How many signs does it "
                "take to number four things?",
            ),
            "key written down": (
                (5, 64, 2048),
                "The first number is too small: you write down the key as well. Give each of the sixteen keys a place "
                "of its own, and the place tells the key.",
            ),
            "filters added": (
                (16, 20, 2048),
                "The second number is too small: sixteen filters for keys and four for values know which keys and "
                "which values there are, but not which belong together.",
            ),
            "filters for keys": (
                (16, 16, 2048),
                "The second number is too small: a filter that fires on a key with any value cannot tell which value "
                "it was.",
            ),
            "keys alone": (
                (16, 64, 1024),
                "The third number is too small: you count keys or values. Attention keeps both.",
            ),
            "one pair": (
                (16, 64, 128),
                "The third number is too small: you count one pair.",
            ),
            "pairs of numbers": (
                (16, 64, 32),
                "The third number is too small: you count vectors. Each has sixty-four numbers.",
            ),
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
            "ones in front": WrongAnswer(
                lambda x, weight, dilation: F.conv1d(
                    F.pad(x, (_reach(weight, dilation), 0), value=1.0), weight, dilation=dilation
                ),
                "In front of the sentence there are ones in yours; zeros belong there.",
            ),
            "mirrored in front": WrongAnswer(
                lambda x, weight, dilation: F.conv1d(
                    F.pad(x, (_reach(weight, dilation), 0), mode="reflect"), weight, dilation=dilation
                ),
                "In front of the sentence you put its mirror image (reflect); zeros belong there.",
            ),
            "both sides of a contiguous kernel": WrongAnswer(
                lambda x, weight, dilation: F.conv1d(x, weight, padding=weight.shape[2] - 1, dilation=dilation),
                "You pad by k − 1 on both sides: a dilated kernel is longer than its number of taps, and nothing "
                "should be padded behind.",
            ),
            "same, moved": WrongAnswer(
                lambda x, weight, dilation: _both_sides(x, weight, dilation).roll(_reach(weight, dilation) // 2, 2),
                "You move the output of a centred kernel (roll): what falls off the end comes in at the front.",
            ),
            "mean over the taps": WrongAnswer(
                lambda x, weight, dilation: causal_convolution(x, weight, dilation) / weight.shape[2],
                "You average over the taps; a convolution adds them up.",
            ),
            "last tap alone": WrongAnswer(
                lambda x, weight, dilation: F.conv1d(x, weight[..., -1:]),
                "Only the last tap acts: earlier words are not heard.",
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
            "for a sentence shorter than the layer reaches": lambda: _cut_short(*_draw_causal(3, 4)),
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
        hard={"where there are three words": lambda: (["never", "good", "no"],)},
    ),
}
