"""How every figure of the course looks, and how it reaches the page together with its description."""

import base64
import html
import io
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import cycle
from weakref import WeakKeyDictionary

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from IPython.display import display
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure, FigureBase
from numpy.typing import ArrayLike
from PIL import Image

from course_utils.palette import NOTHING, WEIGHT

# Okabe & Ito (2008): told apart by readers with any kind of colour vision; black comes first for the main series.
COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442")
CONTEXT = "#767676"  # what is there for comparison only
MODEL_COLOURS = {  # one for each model, in every lecture; what is like another one has a lighter or a darker shade
    "fixed vector": COLOURS[1],
    "fixed vector, wider": "#00446B",
    "fixed vector, trained longer": COLOURS[6],
    "fixed vector, backwards": "#5B4B9E",
    "attention": COLOURS[2],
    "attention, no GRU": "#8A3D00",
    "attention, fused": "#C46A4A",
    "HAN": "#A8323A",  # redder and darker: attention, at two levels
    "gradient × input": "#00656F",
    "recurrent": COLOURS[1],
    "RNN": CONTEXT,
    "GRU": COLOURS[1],
    "LSTM": COLOURS[5],
    "convolution": COLOURS[3],
    "GAT": COLOURS[2],  # attention, along edges
    "TF-IDF": COLOURS[4],
    # the Transformer, by what its encoder is told of places
    "sinusoidal": COLOURS[2],
    "sinusoidal positions": COLOURS[2],
    "rotary": "#8E2DA8",
    "learned": CONTEXT,
    "no positions": "#444444",
    "positions drawn at random": CONTEXT,
}
SHARPER = 2  # points kept for each point on the page, so that a picture stays sharp on a projector
WEIGHTS = LinearSegmentedColormap.from_list("weights", [NOTHING, WEIGHT])  # light is little, dark is much
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
HANGUL = ("NanumGothic", "Noto Sans CJK KR", "Noto Sans KR", "Apple SD Gothic Neo", "Malgun Gothic")
FACES = {face.name for face in font_manager.fontManager.ttflist}
logging.getLogger(font_manager.__name__).setLevel(logging.ERROR)  # a face without bold is told of at each bold word

plt.rcParams.update(
    {
        "axes.prop_cycle": cycler(color=COLOURS),
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlelocation": "left",
        "axes.titlesize": 12,
        "font.family": ["DejaVu Sans", *(name for name in HANGUL if name in FACES)],
        "font.size": 11,
        "figure.dpi": 110,
        "figure.constrained_layout.use": True,
        "legend.frameon": False,
        "image.cmap": "Greys",  # as in all maps, light is little
    }
)


def show(fig: Figure, description: str) -> None:
    """Put a figure on the page with its description as alternative text, and close it.

    Parameters
    ----------
    fig
        The figure.
    description
        The point of the figure, in a sentence, for a reader who cannot see it. What the functions below have drawn in
        it is told behind that, with its values.
    """
    if not description.strip():
        raise ValueError("show: expected a description of the figure for readers who cannot see it, got an empty text.")
    told = " ".join(" ".join([description, *(tell() for tell in _TOLD.get(fig, []))]).split())  # a title may have lines
    stream = io.BytesIO()
    fig.savefig(stream, format="png", dpi=SHARPER * fig.dpi)
    width = round(fig.get_figwidth() * fig.dpi)
    plt.close(fig)
    picture = base64.b64encode(_with_palette(stream, _shades(fig))).decode("ascii")
    image = (
        f'<img src="data:image/png;base64,{picture}" alt="{html.escape(told)}" width="{width}" '
        'style="max-width:100%;height:auto">'
    )
    display({"text/html": image, "text/plain": told}, raw=True)


def _shades(fig: Figure) -> int:
    """Say how many colours a figure is kept with: more where values are read off shades, as in maps and colour bars."""
    mapped = any(artist.get_array() is not None for ax in fig.axes for artist in (*ax.images, *ax.collections))
    return 256 if mapped else 48


def _with_palette(png: io.BytesIO, n_colours: int) -> bytes:
    """Keep few colours of a picture, which makes its file about a third as large.

    Pillow's default, median cut, divides the colours by how many pixels have them and so mixes a rare one with others;
    maximum coverage spreads the palette over all colours that occur. What is filled with one colour then comes back as
    it was drawn, to a few of 255. Only the blended pixels at the edges of lines and letters are further off.
    """
    reduced = io.BytesIO()
    with Image.open(png) as picture:
        palette = picture.convert("RGB").quantize(
            n_colours, method=Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE
        )
    palette.save(reduced, format="png", optimize=True)
    return reduced.getvalue()


# What was drawn in a figure, told by functions that are called when it is shown: titles and labels are set by then.
_TOLD: WeakKeyDictionary[FigureBase, list[Callable[[], str]]] = WeakKeyDictionary()


def _tell(ax: Axes, values: str) -> None:
    """Let `show` say which values an axes holds."""

    def told() -> str:
        axes = " by ".join(filter(None, (ax.get_ylabel(), ax.get_xlabel())))
        return ": ".join(filter(None, (ax.get_title(loc="left") or ax.get_title(), axes, values))) + "."

    _TOLD.setdefault(ax.figure, []).append(told)


def attention_map(ax: Axes, weights: ArrayLike, queries: Sequence[str], keys: Sequence[str]) -> None:
    """Draw weights as a picture: one row per query, one column per key, 0 (light) to 1 (dark), as in the explorer.

    Parameters
    ----------
    ax
        Where to draw.
    weights
        (q_len, k_len), each between 0 and 1.
    queries, keys
        Labels of rows and columns, as many as the weights have.
    """
    weights = np.asarray(weights)
    if weights.shape != (len(queries), len(keys)):
        raise ValueError(
            f"attention_map: weights must be (q_len, k_len) = ({len(queries)}, {len(keys)}) for these labels, "
            f"got {weights.shape}."
        )
    image = ax.imshow(weights, vmin=0, vmax=1, cmap=WEIGHTS)
    ax.set_xticks(range(len(keys)), keys, rotation=45, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(len(queries)), queries)
    ax.spines[:].set_visible(False)
    ax.set_xlabel("keys")
    ax.set_ylabel("queries")
    ax.figure.colorbar(image, ax=ax, label="weight", fraction=0.04)
    most = [f"{query!r} at {keys[row.argmax()]!r} {row.max():.2f}" for query, row in zip(queries, weights, strict=True)]
    _tell(ax, "the most of each query's weight: " + ", ".join(most))


def seed_lines(
    ax: Axes,
    x: Sequence[float | int] | np.ndarray,
    series: Mapping[str, ArrayLike],
    colours: Sequence[str] = COLOURS,
    names_at: Mapping[str, tuple[float, float]] | None = None,
    styles: Sequence[str] = ("-",),
    markers: Mapping[str, str] | None = None,
) -> None:
    """Draw one curve per condition: each seed faintly, their mean bold, the name at the curve's end.

    Names that would overlap are moved apart; set the limits of the axes first, so that they are placed for them.

    Parameters
    ----------
    ax
        Where to draw.
    x
        Positions along the horizontal axis.
    series
        Condition → values of shape (n_seeds, len(x)).
    colours
        One for each condition, in the same order; where there are fewer, they begin again.
    names_at
        Condition → the middle of its name, in the units of the axes: for curves that end in the same place.
    styles
        One line style for each condition, as Matplotlib writes them (``"-"``, ``"--"``, ``":"``), in the same order;
        where there are fewer, they begin again.
    markers
        Condition → its marker, where a model keeps the one that it has in another figure. The others take theirs from
        MARKERS, by their place.
    """
    ends, told = {}, []
    for i, (name, values) in enumerate(series.items()):
        values = np.asarray(values, dtype=float)
        if values.ndim != 2 or values.shape[1] != len(x):
            raise ValueError(f"seed_lines: {name!r} must have shape (n_seeds, {len(x)}), got {values.shape}.")
        colour, marker = colours[i % len(colours)], (markers or {}).get(name, MARKERS[i % len(MARKERS)])
        ax.plot(x, values.T, linewidth=0.8, alpha=0.35, color=colour)
        mean = values.mean(axis=0)
        style = styles[i % len(styles)]
        ax.plot(x, mean, style, linewidth=2.2, markersize=5, color=colour, marker=marker, label=name)
        if names_at and name in names_at:
            middle = names_at[name]
            ax.text(middle[0], middle[1], name, color=colour, ha="center", va="center")
        else:
            ends[name] = (mean[-1], colour)
        told.append(f"{name} {mean[0]:.3g} at {x[0]:.3g}, {mean[-1]:.3g} at {x[-1]:.3g}")
    _label_ends(ax, x[-1], ends)
    _tell(ax, "; ".join(told))


def _label_ends(ax: Axes, x: float | int, ends: Mapping[str, tuple[float, str]]) -> None:
    """Write each name behind the end of its curve, at least 14 points above the one below it."""
    points = 72 / ax.figure.dpi
    lowest = -np.inf
    for name, (y, colour) in sorted(ends.items(), key=lambda end: end[1][0]):
        height = ax.transData.transform((x, y))[1] * points
        lowest = max(height, lowest + 14)
        ax.annotate(
            name,
            (x, y),
            xytext=(8, lowest - height),
            textcoords="offset points",
            color=colour,
            va="center",
            annotation_clip=False,
        )


def seed_dots(
    ax: Axes,
    series: Mapping[str, ArrayLike],
    compared: Collection[str] = (),
    accents: Sequence[str] | None = None,
) -> None:
    """Draw one row per condition: each seed a dot (fainter where there are many), their mean a bar with its value.

    Parameters
    ----------
    ax
        Where to draw.
    series
        Condition → one value per seed.
    compared
        The conditions that the figure compares: they are drawn in colour, all others in grey as context.
    accents
        The colours of those that are compared, in the same order; where there are fewer, they begin again. Without
        them a model has its own of MODEL_COLOURS, and anything else one after the other.
    """
    unknown = set(compared) - set(series)
    if unknown:
        raise ValueError(f"seed_dots: compared names {sorted(unknown)}, which is none of the rows {list(series)}.")
    accents = _own_colours(compared) if accents is None else accents
    means = {}
    for row, (name, values) in enumerate(series.items()):
        values = np.asarray(values, dtype=float)
        if values.ndim != 1:
            raise ValueError(f"seed_dots: {name!r} must have one value per seed, got an array of shape {values.shape}.")
        means[name] = values.mean()
        colour = accents[list(compared).index(name) % len(accents)] if name in compared else CONTEXT
        alpha = min(0.5, 10 / len(values))  # many dots overlap; the darker, the more
        ax.plot(values, np.full(len(values), row), "o", color=colour, alpha=alpha, markersize=6)
        ax.plot([means[name]] * 2, [row - 0.3, row + 0.3], color=colour, linewidth=2.5)
    printed = _alike(list(means.values()))
    for row, (mean, text) in enumerate(zip(means.values(), printed, strict=True)):
        ax.annotate(text, (mean, row - 0.34), ha="center", va="bottom", fontsize=9)
    ax.set_yticks(range(len(series)), list(series))
    ax.set_ylim(len(series) - 0.4, -0.8)
    _tell(ax, "means: " + ", ".join(f"{name} {text}" for name, text in zip(means, printed, strict=True)))


def _own_colours(names: Collection[str]) -> list[str]:
    """Give models their own colours, and the others those that are left, one after the other."""
    own = {name: MODEL_COLOURS[name] for name in names if name in MODEL_COLOURS}
    left = cycle(colour for colour in COLOURS[1:] if colour not in own.values())
    return [own[name] if name in own else next(left) for name in names]


def _alike(numbers: Sequence[float]) -> list[str]:
    """Print numbers with as many decimals as the largest needs for three digits, and a minus sign that is one."""
    largest = max(map(abs, numbers), default=0.0)
    decimals = 2 - int(np.floor(np.log10(largest))) if largest > 0 else 2
    return [f"{number:z.{max(decimals, 0)}f}".replace("-", "\N{MINUS SIGN}") for number in numbers]
