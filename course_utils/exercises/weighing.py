"""What can go wrong between scores and weights: the mask, the softmax, the axis; shared by all that attends.

Each is a function of (scores, mask), to be put in the place of the right one, with the sentence for whoever wrote it.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from course_utils.attention import masked_softmax

Weigh = Callable[[Tensor, Tensor], Tensor]


def _low(scores: Tensor) -> float:
    return torch.finfo(scores.dtype).min


def _softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Do what `masked_softmax` does, for scores of any number of axes."""
    return masked_softmax(scores[None], mask[None])[0]


def filled(number: float) -> Weigh:
    """Set hidden scores to a number, without a word for rows that are all hidden."""
    return lambda scores, mask: scores.masked_fill(~mask, number).softmax(-1)


def along(axis: int) -> Weigh:
    """Take the softmax over another axis than the last."""

    def weigh(scores: Tensor, mask: Tensor) -> Tensor:
        mask = mask.expand_as(scores)
        return _softmax(scores.transpose(axis, -1), mask.transpose(axis, -1)).transpose(axis, -1)

    return weigh


def _best(scores: Tensor, mask: Tensor) -> Tensor:
    best = scores.masked_fill(~mask, -torch.inf).argmax(-1, keepdim=True)
    return torch.zeros_like(scores).scatter(-1, best, 1.0) * mask


def _inverted_after(scores: Tensor, mask: Tensor) -> Tensor:
    return scores.softmax(-1) * ~mask


def _nothing(scores: Tensor, mask: Tensor) -> Tensor:
    return 0 * scores * mask


def _highest(scores: Tensor, mask: Tensor) -> Tensor:
    return scores.masked_fill(~mask, _low(scores)).amax(-1, keepdim=True)


def _count(mask: Tensor) -> Tensor:
    return mask.sum(-1, keepdim=True).clamp(min=1)


def of_masks() -> dict[str, tuple[Weigh, str]]:
    """Give what people do to a mask."""
    ms = _softmax
    return {
        "mask inverted": (
            lambda s, m: ms(s, ~m.expand_as(s)),
            "The mask is inverted: you attend to padding, and a word that counts is left out. True means it counts.",
        ),
        "mask inverted, filled": (
            lambda s, m: s.masked_fill(m, _low(s)).softmax(-1),
            "The mask is inverted where you fill: a word that counts gets the very low score, and padding keeps its "
            "own. True means it counts.",
        ),
        "mask inverted, −∞": (
            lambda s, m: s.masked_fill(m, -torch.inf).softmax(-1),
            "The mask is inverted where you fill with −∞: a word that counts is shut out, padding is left, and where "
            "there is none, NaN. True means it counts.",
        ),
        "mask inverted afterwards": (
            _inverted_after,
            "You multiply by the inverted mask after the softmax: what is left is the weight of padding.",
        ),
        "masked twice, once inverted": (
            _nothing,
            "All your weights are zero: the mask is used once as it is and once inverted, so nothing gets past both.",
        ),
        "mask forgotten": (
            lambda s, m: s.softmax(-1),
            "The mask is not used in the softmax: padding gets weight.",
        ),
        "masked afterwards": (
            lambda s, m: s.softmax(-1) * m,
            "You mask after the softmax alone: padding took part in it, and what it took is lost, so the weights "
            "sum to less than one.",
        ),
        "scores times mask": (
            lambda s, m: (s * m).softmax(-1),
            "You set the scores of padding to 0 (or nearly 0), by a product with the mask or by a fill. A softmax "
            "makes e⁰ = 1 of that, which is not nothing: a score that is masked must be very low.",
        ),
        "scores times mask, then masked": (
            lambda s, m: (s * m).softmax(-1) * m,
            "You set the scores of padding to 0 before the softmax and its weights to 0 behind it. In between each "
            "took e⁰ = 1 of the sum, so the masked weights sum to less than one.",
        ),
        "mask added": (
            lambda s, m: (s + m).softmax(-1),
            "You add the mask to the scores, so that a word scores 1 more than padding: e times the weight, no more.",
        ),
        "mask added, then masked": (
            lambda s, m: (s + m).softmax(-1) * m,
            "You add the mask to the scores and multiply by it afterwards: padding still took its share of the sum.",
        ),
        "mask subtracted": (
            lambda s, m: (s - m.to(s.dtype)).softmax(-1),
            "You subtract the mask from the scores: a word then scores 1 less than padding.",
        ),
        "filled with a large number": (
            lambda s, m: s.masked_fill(~m, -_low(s)).softmax(-1),
            "The fill has the wrong sign: padding is given the highest score of all, and takes all the weight.",
        ),
        "filled with 1": (filled(1.0), "You fill masked scores with 1: that is a good score, not a very low one."),
        "filled with −1": (filled(-1.0), "You fill masked scores with −1: not low enough; e to the −1 is still 0.37."),
        "filled with −10": (
            filled(-10.0),
            "You fill masked scores with a number that is not low enough: others can be as low.",
        ),
        "filled with the lowest score": (
            lambda s, m: torch.where(m, s, s.amin(-1, keepdim=True)).softmax(-1),
            "You fill masked scores with the lowest score there is. That is a score like any other: it gets weight.",
        ),
        "filled after the softmax": (
            lambda s, m: s.softmax(-1).masked_fill(~m, -1e9),
            "You fill after the softmax: the very low number belongs among the scores, before it.",
        ),
        "not a softmax: masked scores": (
            lambda s, m: s * m,
            "You average with the masked scores themselves: there is no softmax. Scores may be negative and sum to "
            "anything.",
        ),
        "exponentials": (
            lambda s, m: s.exp() * m,
            "Your weights are exponentials that are not normalised: they do not sum to one. Divide by their sum.",
        ),
        "exponentials over their number": (
            lambda s, m: s.exp() * m / _count(m),
            "You divide the exponentials by how many there are, in place of their sum: the weights do not sum to one.",
        ),
        "running sum below": (
            lambda s, m: (lambda e: e / e.cumsum(-1).clamp(min=1e-9))(s.exp() * m),
            "You divide each exponential by the sum up to there, before it is complete: add all of them up first.",
        ),
        "running sum of scores": (
            lambda s, m: ms((s * m).cumsum(-1), m),
            "You take a running sum (cumsum) of the scores before the softmax: each score stands for itself.",
        ),
        "scores divided by the count": (
            lambda s, m: ms(s / _count(m), m),
            "You divide the scores by the number of real positions before the softmax, which flattens the weights.",
        ),
        "divided by the scores' sum": (
            lambda s, m: s * m / (s * m).sum(-1, keepdim=True),
            "You divide the scores by their sum, without an exponential (no softmax): weights can be negative.",
        ),
        "equal weights": (
            lambda s, m: m.expand_as(s) / _count(m),
            "All your weights in a row are equal: this is the mean of what the mask allows. The scores take no part.",
        ),
        "equal weights for all": (
            lambda s, m: torch.full_like(s, 1 / s.shape[-1]),
            "All your weights are equal, for padding too: scores and mask take no part.",
        ),
        "the mask as weights": (
            lambda s, m: m.expand_as(s).to(s.dtype),
            "Each weight that the mask allows is 1, whatever the scores say: the mask itself serves as weights, or a "
            "softmax runs along an axis of length 1.",
        ),
        "divided by the count": (
            lambda s, m: ms(s, m) / _count(m),
            "You divide by the number of real positions as well. The weights sum to one already.",
        ),
        "divided by the length": (
            lambda s, m: ms(s, m) / s.shape[-1],
            "You divide by the number of positions as well (a mean for a sum). The weights sum to one already.",
        ),
        "first mask for all": (
            lambda s, m: ms(s, m[:1].expand_as(m)),
            "You use the mask of the first row of the batch for all; each has its own.",
        ),
        "best alone": (
            _best,
            "You take the best alone (argmax, hard attention): its weight is one and all others get nothing. A softmax "
            "gives each its share.",
        ),
        "sigmoid of the scores": (
            lambda s, m: s.sigmoid() * m,
            "You squash the scores by a sigmoid in place of a softmax: the weights do not sum to one.",
        ),
        "sigmoid, normalised": (
            lambda s, m: s.sigmoid() * m / (s.sigmoid() * m).sum(-1, keepdim=True),
            "You normalise sigmoids in place of exponentials: that is not a softmax.",
        ),
        "softmax twice": (
            lambda s, m: ms(ms(s, m), m),
            "There are two softmaxes in a row: the second sees numbers between 0 and 1 only and flattens the weights.",
        ),
        "softmax twice, masked between": (
            lambda s, m: (s.softmax(-1) * m).softmax(-1),
            "There are two softmaxes in a row, with the mask between them: padding is given 0, of which the second "
            "makes e⁰ = 1.",
        ),
        "softmax twice, unmasked": (
            lambda s, m: s.softmax(-1).softmax(-1),
            "There are two softmaxes in a row, and neither hides padding.",
        ),
        "softmax twice, masked first": (
            lambda s, m: ms(s, m).softmax(-1),
            "There are two softmaxes in a row; the second gives padding e⁰ = 1.",
        ),
        "squared scores": (lambda s, m: ms(s * s, m), "You square the scores: the sign counts."),
        "power of two": (
            lambda s, m: ms(s * 0.6931471805599453, m),
            "You take powers of 2 in place of e: a softmax takes the exponential.",
        ),
        "running sum": (
            lambda s, m: ms(s, m).cumsum(-1),
            "A running sum (cumsum) of the weights is too many.",
        ),
        "divided by the largest": (
            lambda s, m: (lambda w: w / w.amax(-1, keepdim=True).clamp(min=1e-9))(ms(s, m)),
            "You divide the weights by the largest of them: weights sum to one.",
        ),
        "of length one": (
            lambda s, m: torch.nn.functional.normalize(s * m, dim=-1),
            "You bring the scores to length one (divide by a norm) in place of a softmax.",
        ),
        "absolute shares": (
            lambda s, m: torch.nn.functional.normalize(s.abs() * m, p=1, dim=-1),
            "You divide absolute values of the scores by their sum: no softmax, and the sign of a score is lost.",
        ),
        "uniform among the positive": (
            lambda s, m: torch.nn.functional.normalize((s > 0) * m.to(s.dtype), p=1, dim=-1),
            "You weigh all positive scores alike: a softmax gives each its share.",
        ),
        "log_softmax": (
            lambda s, m: s.masked_fill(~m, -30.0).log_softmax(-1) * m,
            "These are logarithms of weights (log_softmax): negative, and not summing to one.",
        ),
        "sign of the scores": (
            lambda s, m: ms(-s, m),
            "The sign of the scores is wrong: the lowest gets the most weight (softmin).",
        ),
        "squared": (lambda s, m: ms(s, m) ** 2, "Your weights are squared, and no longer sum to one."),
        "scores squashed": (
            lambda s, m: ms(s.tanh(), m),
            "You squash the finished scores by a tanh: none can leave −1 to 1, so nothing can stand out.",
        ),
        "scores by ReLU": (
            lambda s, m: ms(s.relu(), m),
            "A ReLU acts on the scores before the softmax: all that are negative become equal.",
        ),
        "absolute scores": (lambda s, m: ms(s.abs(), m), "You take the absolute value of the scores: the sign counts."),
        "softmax of one too few": (
            lambda s, m: ms(s, m & torch.cat([m[..., 1:], torch.zeros_like(m[..., :1])], -1)),
            "Your mask ends one position too early: the last position before padding gets no weight.",
        ),
        "softmax of one too many": (
            lambda s, m: ms(s, m | torch.cat([m[..., :1], m[..., :-1]], -1)),
            "Your mask ends one position too late: the first position of padding gets weight.",
        ),
        "masked afterwards, divided by the count": (
            lambda s, m: s.softmax(-1) * m / _count(m),
            "You mask after the softmax and divide by how many positions count; what would make the sum one is to "
            "divide by what padding has left of it, or to mask before.",
        ),
        "maximum above alone": (
            lambda s, m: (s - _highest(s, m)).exp() * m / (s.exp() * m).sum(-1, keepdim=True).clamp(min=1e-30),
            "You subtract the maximum above the fraction line and not below it: the weights do not sum to one. Divide "
            "by the sum of the same exponentials.",
        ),
        "maximum below alone": (
            lambda s, m: s.exp() * m / ((s - _highest(s, m)).exp() * m).sum(-1, keepdim=True).clamp(min=1e-30),
            "You subtract the maximum below the fraction line and not above it: the weights do not sum to one. Divide "
            "by the sum of the same exponentials.",
        ),
        "sums raised to one": (
            lambda s, m: s.exp() * m / (s.exp() * m).sum(-1, keepdim=True).clamp(min=1.0),
            "You raise every sum of exponentials to 1 at least (clamp): that avoids 0/0, but where scores are low, a "
            "sum may well be less than 1, and the weights then do not sum to one.",
        ),
        "one more below": (
            lambda s, m: s.exp() * m / (1 + (s.exp() * m).sum(-1, keepdim=True)),
            "You add 1 below the fraction line: that avoids 0/0 and takes weight from every row. Where anything "
            "counts, weights must sum to one.",
        ),
    }


def of_rows(nothing: str) -> dict[str, tuple[Weigh, str]]:
    """Give what is right where there is something to attend to, and wrong where there is nothing."""
    return {
        "−∞": (
            filled(-torch.inf),
            f"Right but for {nothing}: there all scores are −∞, or all that is added up is 0, and zero is divided by "
            f"zero, "
            "which is NaN.",
        ),
        "−1e9": (
            filled(-1e9),
            f"Right but for {nothing}: a large negative number everywhere is the same everywhere (−1e9 as well as any "
            "other), so the softmax averages over all that it should not see.",
        ),
    }


WITHOUT_MASK = {
    "not a softmax: masked scores": (
        "You average with the scores themselves: there is no softmax. Scores may be negative and sum to anything."
    ),
    "equal weights for all": "All your weights are equal: the scores take no part.",
}


def of_softmax() -> dict[str, tuple[Any, str]]:
    """Give what people do in place of a softmax where nothing is hidden: functions of the scores alone."""
    everything = of_masks()
    names = (
        "not a softmax: masked scores",
        "exponentials",
        "divided by the scores' sum",
        "equal weights for all",
        "divided by the length",
        "best alone",
        "sigmoid of the scores",
        "sigmoid, normalised",
        "exponentials over their number",
        "running sum below",
        "running sum of scores",
        "softmax twice",
        "log_softmax",
        "sign of the scores",
        "squared",
        "squared scores",
        "power of two",
        "running sum",
        "divided by the largest",
        "of length one",
        "absolute shares",
        "uniform among the positive",
        "scores squashed",
        "scores by ReLU",
        "absolute scores",
        "maximum above alone",
        "maximum below alone",
        "sums raised to one",
        "one more below",
    )
    return {
        name.removeprefix("not a softmax: masked "): (
            lambda scores, weigh=everything[name][0]: weigh(scores, torch.ones_like(scores, dtype=torch.bool)),
            WITHOUT_MASK.get(name, everything[name][1]),
        )
        for name in names
    }


def adapted(choices: Mapping[str, tuple[Any, str]], adapt: Callable[[Any], Any]) -> dict[str, tuple[Any, str]]:
    """Put choices into a slot that hands over other arguments than they take: ``adapt`` makes one from the other."""
    return {name: (adapt(function), told) for name, (function, told) in choices.items()}


# how values are averaged


def of_averages(what: str = "values", context: str = "context") -> dict[str, tuple[Any, str]]:
    """Give what people do in place of the weighted sum: functions of weights (…, k_len) and values (…, k_len, d)."""

    def product(weights: Tensor, values: Tensor) -> Tensor:
        return weights[..., None] * values

    return {
        "largest product": (
            lambda w, v: product(w, v).amax(-2),
            "You take the maximum of weight × value in place of the sum over all of them.",
        ),
        "plain mean": (
            lambda w, v: v.mean(-2),
            f"Your {context} does not use the weights: it is the mean of the {what}.",
        ),
        "plain sum": (lambda w, v: v.sum(-2), f"Your {context} does not use the weights: it is the sum of the {what}."),
        "plain sum of what has weight": (
            lambda w, v: product((w > 0).to(v.dtype), v).sum(-2),
            f"Your {context} does not use the weights: it is the sum of the {what} that have any.",
        ),
        "plain mean of what has weight": (
            lambda w, v: product((w > 0).to(v.dtype) / _count(w > 0), v).sum(-2),
            f"Your {context} does not use the weights: it is the mean of the {what} that have any.",
        ),
        "best one": (
            lambda w, v: v.gather(-2, w.argmax(-1)[..., None, None].expand(*w.shape[:-1], 1, v.shape[-1]))[..., 0, :],
            f"Your {context} is the best of the {what} alone (argmax); weigh all of them.",
        ),
        "best one, where there is one": (
            lambda w, v: (
                v.gather(-2, w.argmax(-1)[..., None, None].expand(*w.shape[:-1], 1, v.shape[-1]))[..., 0, :]
                * (w.sum(-1, keepdim=True) > 0)
            ),
            f"Your {context} is the best of the {what} alone (argmax), zeros where there is none; weigh all of them.",
        ),
        "last one": (
            lambda w, v: v[..., -1, :],
            f"Your {context} is the last of the {what}, whatever the weights say.",
        ),
        "first one": (
            lambda w, v: v[..., 0, :],
            f"Your {context} is the first of the {what}, whatever the weights say.",
        ),
        "mean of products": (
            lambda w, v: product(w, v).mean(-2),
            "You take the mean of weight × value (divide by how many there are); weights sum to one, so add up.",
        ),
        "not added up": (product, f"You weigh the {what} but do not add them up: a sum is missing."),
        "first product alone": (
            lambda w, v: product(w, v)[..., 0, :],
            "You return the first weight × value alone: is there a return inside the loop?",
        ),
        "last product alone": (
            lambda w, v: product(w, v)[..., -1, :],
            "You return the last weight × value alone: each turn of a loop overwrites what came before, or is not "
            "added to it.",
        ),
        "all but the first product": (
            lambda w, v: product(w, v)[..., 1:, :].sum(-2),
            f"Your sum leaves out the first of the {what}: where does the loop begin?",
        ),
        "all but the last product": (
            lambda w, v: product(w, v)[..., :-1, :].sum(-2),
            f"Your sum leaves out the last of the {what}: where does the loop end?",
        ),
        "added up over all rows": (
            lambda w, v: product(w, v.sum(0, keepdim=True)).sum(-2) if v.dim() > 2 else product(w, v),
            f"Each row's weights meet the {what} of all rows, added up: does a letter of an einsum stand in one place "
            "alone?",
        ),
        "weights reversed": (
            lambda w, v: product(w.flip(-1), v).sum(-2),
            f"Weights and {what} are in opposite orders: each weight belongs to its own.",
        ),
        "weights squared": (
            lambda w, v: product(w * w, v).sum(-2),
            "You multiply by the weights twice.",
        ),
        "plain sum added": (
            lambda w, v: product(w, v).sum(-2) + v.sum(-2),
            f"You add the plain sum of the {what} to the weighted one.",
        ),
        "last one added": (
            lambda w, v: product(w, v).sum(-2) + v[..., -1, :],
            f"You add the last of the {what} to the {context}.",
        ),
        "weights added": (
            lambda w, v: (w[..., None] + v).sum(-2),
            f"You add weights and {what}; multiply them, then add up.",
        ),
        "squashed": (lambda w, v: product(w, v).sum(-2).tanh(), f"You put a tanh around the {context}."),
        "divided by its length": (
            lambda w, v: torch.nn.functional.normalize(product(w, v).sum(-2), dim=-1),
            f"You bring the {context} to length one.",
        ),
    }


def of_averages_by_query() -> dict[str, tuple[Any, str]]:
    """Give those of `of_averages` that leave one context for each query."""
    return {name: choice for name, choice in of_averages().items() if not name.endswith(" one")}


# how a query and a key meet, what bends them, and what reads the units out


def meetings(bend: Callable[[Tensor], Tensor], right: str) -> dict[str, tuple[Any, str]]:
    """Give what people do with two parts that should be added and then bent: functions of (q, k)."""
    return {
        "query bent first": (lambda q, k: bend(q) + k, f"The query's part goes through a {right} of its own first."),
        "key bent first": (lambda q, k: q + bend(k), f"The key's part goes through a {right} of its own first."),
        "key minus query": (lambda q, k: k - q, "You subtract the query's part from the key's; the score adds them."),
        "query minus key": (lambda q, k: q - k, "You subtract the key's part from the query's; the score adds them."),
        "product of the parts": (lambda q, k: q * k, "You multiply the two parts; the score adds them."),
        "key alone": (lambda q, k: 0 * q + k, "The query takes no part: every query gets the same scores."),
        "query alone": (lambda q, k: q + 0 * k, "The keys take no part: every key gets the same score."),
        "mean of the parts": (lambda q, k: (q + k) / 2, "You take the mean of the two parts instead of their sum."),
        "larger of the parts": (torch.maximum, "You take the larger of the two parts; the score adds them."),
        "distance of the parts": (lambda q, k: (q - k).abs(), "You take the difference of the parts; they are added."),
    }


def bends(right: str) -> dict[str, tuple[Any, str]]:
    """Give what people put in the place of a nonlinearity, which is called ``right``."""
    F = torch.nn.functional
    functions: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
        "tanh": (torch.tanh, "A tanh"),
        "LeakyReLU": (lambda h: F.leaky_relu(h, 0.2), "A LeakyReLU"),
        "sigmoid": (torch.sigmoid, "A sigmoid"),
        "ReLU": (torch.relu, "A ReLU"),
        "ELU": (F.elu, "An ELU"),
        "GELU": (F.gelu, "A GELU"),
        "SiLU": (F.silu, "A SiLU"),
        "softplus": (F.softplus, "A softplus"),
        "sine": (torch.sin, "A sine"),
        "cosine": (torch.cos, "A cosine"),
        "exponential": (torch.exp, "An exponential"),
        "square": (torch.square, "A square"),
        "absolute value": (torch.abs, "An absolute value"),
        "hard tanh": (F.hardtanh, "A hard tanh"),
    }
    told = {
        name: (f, f"{other} stands where the {right} belongs.")
        for name, (f, other) in functions.items()
        if name != right
    }
    bend = functions[right][0]
    if right == "LeakyReLU":
        for slope in (0.1, 0.3, 0.5, -0.2, 0.8, 0.02):
            told[f"slope {slope}"] = (
                partial(F.leaky_relu, negative_slope=slope),
                f"Your LeakyReLU has the slope {slope}; that is not the one that is asked for.",
            )
        told["positive side bent"] = (
            lambda h: torch.where(h > 0, 0.2 * h, h),
            "Your LeakyReLU makes the positive numbers small; it is the negative ones that only leak.",
        )
    told["1 added first"] = (lambda h: bend(h + 1), f"You add 1 before the {right}.")
    told[f"{right} twice"] = (
        lambda h: bend(bend(h)),
        f"There are two {right} in a row.",
    )
    told["softmax of the units"] = (lambda h: h.softmax(-1), f"A softmax over the hidden units is not the {right}.")
    return told


def readings(vector: str) -> dict[str, tuple[Any, str]]:
    """Give what people do in place of the product with a learned vector: functions of (hidden, vector)."""
    return {
        "vector left out": (
            lambda h, v: h.sum(-1),
            f"You add up the hidden units with equal weight; the learned vector {vector} decides how much each counts.",
        ),
        "vector squared": (lambda h, v: h @ (v * v), f"{vector} counts twice, as a square: its sign is lost."),
        "vector without sign": (lambda h, v: h @ v.abs(), f"You take the absolute value of {vector}: its sign counts."),
        "mean over the units": (
            lambda h, v: (h * v).mean(-1),
            f"You take the mean over the hidden units (divide by their number); the product with {vector} is a sum.",
        ),
        "mean without the vector": (
            lambda h, v: h.mean(-1),
            f"You average the hidden units: {vector}, which says how much each counts, is missing.",
        ),
        "largest unit": (
            lambda h, v: (h * v).amax(-1),
            "You take the largest hidden unit; the score adds all of them.",
        ),
        "scaled": (
            lambda h, v: h @ v / len(v) ** 0.5,
            "You divide by the root of the number of hidden units: that scale belongs to another score.",
        ),
        "length one": (
            lambda h, v: h @ torch.nn.functional.normalize(v, dim=0),
            f"You bring {vector} to length one; it is used as it is.",
        ),
        "softmax of the vector": (
            lambda h, v: h @ v.softmax(0),
            f"You take a softmax of {vector}; it is used as it is.",
        ),
        "cosine with the vector": (
            lambda h, v: torch.nn.functional.cosine_similarity(h, v, dim=-1),
            f"You compare directions alone (a cosine, normalised); the score is the plain product with {vector}.",
        ),
        "units not added up": (
            lambda h, v: h * v,
            f"You multiply each unit by its number of {vector} and do not add up: a sum over the units is missing.",
        ),
    }


# the scaled dot product


def of_scale() -> dict[str, tuple[Any, str]]:
    """Give what people do to the scale of q·k/√d_k: functions of (query, keys, d_model)."""
    return {
        "no scale": (lambda q, k, d_model: q @ k.mT, "The scale is missing: q·k has a variance of d_k."),
        "divided by d_k": (
            lambda q, k, d_model: q @ k.mT / k.shape[-1],
            "You divide by d_k itself: that makes the variance 1/d_k. Which divisor makes it one?",
        ),
        "multiplied": (
            lambda q, k, d_model: q @ k.mT * k.shape[-1] ** 0.5,
            "You multiply the scores by √d_k: their variance grows. Divide.",
        ),
        "by d_model": (
            lambda q, k, d_model: q @ k.mT / d_model**0.5,
            "You divide by √d_model. How many products does one score add up?",
        ),
        "by the number of keys": (
            lambda q, k, d_model: q @ k.mT / k.shape[-2] ** 0.5,
            "You divide by the root of the number of keys (the wrong axis). How many products does one score add up?",
        ),
        "by the keys, no root": (
            lambda q, k, d_model: q @ k.mT / k.shape[-2],
            "You divide by the number of keys (the wrong axis, and no root). How many products does one score add up?",
        ),
        "fourth root": (
            lambda q, k, d_model: q @ k.mT / k.shape[-1] ** 0.25,
            "You divide by the fourth root of d_k: only one of query and key is scaled by it, or the root is taken "
            "twice.",
        ),
        "rounded": (
            lambda q, k, d_model: q @ k.mT / int(k.shape[-1] ** 0.5),
            "You round √d_k to a whole number.",
        ),
        "cosine": (
            lambda q, k, d_model: (
                torch.nn.functional.normalize(q, dim=-1) @ torch.nn.functional.normalize(k, dim=-1).mT
            ),
            "You compare directions alone (a cosine, normalised to length one); the score is q·k/√d_k.",
        ),
        "distance": (
            lambda q, k, d_model: -torch.cdist(q, k) / k.shape[-1] ** 0.5,
            "You score by the distance; the score is q·k/√d_k.",
        ),
    }
