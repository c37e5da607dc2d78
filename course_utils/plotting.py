"""How every figure of the course looks, and how it reaches the page together with its description."""

import base64
import html
import io
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from course_utils.shades import NOTHING, WEIGHT

# Okabe & Ito (2008): told apart by readers with any kind of colour vision; black comes first for the main series.
COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442")
SHARPER = 2  # points kept for each point on the page, so that a picture stays sharp on a projector
WEIGHTS = LinearSegmentedColormap.from_list("weights", [NOTHING, WEIGHT])  # light is little, dark is much
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")

plt.rcParams.update(
    {
        "axes.prop_cycle": cycler(color=COLOURS),
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlelocation": "left",
        "axes.titlesize": 12,
        "font.size": 11,
        "figure.dpi": 110,
        "figure.constrained_layout.use": True,
        "legend.frameon": False,
        "image.cmap": "cividis",
    }
)


def show(fig: Figure, description: str) -> None:
    """Put a figure on the page with its description as alternative text, and close it.

    Parameters
    ----------
    fig
        The figure.
    description
        What a reader who cannot see it needs to know: what is drawn, and what it shows.
    """
    if not description.strip():
        raise ValueError("show: expected a description of the figure for readers who cannot see it, got an empty text.")
    stream = io.BytesIO()
    fig.savefig(stream, format="png", dpi=SHARPER * fig.dpi, metadata={"Software": None})
    width = round(fig.get_figwidth() * fig.dpi)
    plt.close(fig)
    picture = base64.b64encode(stream.getvalue()).decode("ascii")
    image = (
        f'<img src="data:image/png;base64,{picture}" alt="{html.escape(description)}" width="{width}" '
        'style="max-width:100%;height:auto">'
    )
    display({"text/html": image, "image/png": picture, "text/plain": description}, raw=True)


def attention_map(ax: Axes, weights: ArrayLike, queries: Sequence[str], keys: Sequence[str]) -> None:
    """Draw weights as a picture: one row a query, one column a key, from 0 (light) to 1 (dark), as in the explorer.

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


def seed_lines(ax: Axes, x: ArrayLike, series: Mapping[str, ArrayLike]) -> None:
    """Draw one curve a condition: each seed faintly, their mean bold, the name at the curve's end.

    Names that would overlap are moved apart; set the limits of the axes first, so that they are placed for them.

    Parameters
    ----------
    ax
        Where to draw.
    x
        Positions along the horizontal axis.
    series
        Condition → values of shape (n_seeds, len(x)).
    """
    ends = {}
    for i, (name, values) in enumerate(series.items()):
        values = np.asarray(values, dtype=float)
        if values.ndim != 2 or values.shape[1] != len(x):
            raise ValueError(f"seed_lines: {name!r} must have shape (n_seeds, {len(x)}), got {values.shape}.")
        colour, marker = COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]
        ax.plot(x, values.T, linewidth=0.8, alpha=0.35, color=colour)
        mean = values.mean(axis=0)
        ax.plot(x, mean, linewidth=2.2, markersize=5, color=colour, marker=marker, label=name)
        ends[name] = (mean[-1], colour)
    _label_ends(ax, x[-1], ends)


def _label_ends(ax: Axes, x: float | int, ends: Mapping[str, tuple[float, str]], gap: float = 14.0) -> None:
    """Write each name behind the end of its curve, at least ``gap`` points above the one below it."""
    points = 72 / ax.figure.dpi
    lowest = -np.inf
    for name, (y, colour) in sorted(ends.items(), key=lambda end: end[1][0]):
        height = ax.transData.transform((x, y))[1] * points
        lowest = max(height, lowest + gap)
        ax.annotate(
            name,
            (x, y),
            xytext=(8, lowest - height),
            textcoords="offset points",
            color=colour,
            va="center",
            annotation_clip=False,
        )


def seed_dots(ax: Axes, series: Mapping[str, ArrayLike]) -> None:
    """Draw one row a condition: each seed a dot (fainter where there are many), their mean a bar with its value.

    Parameters
    ----------
    ax
        Where to draw.
    series
        Condition → one value a seed.
    """
    for row, (name, values) in enumerate(series.items()):
        values = np.asarray(values, dtype=float)
        if values.ndim != 1:
            raise ValueError(f"seed_dots: {name!r} must have one value a seed, got an array of shape {values.shape}.")
        colour = COLOURS[row % len(COLOURS)]
        ax.plot(
            values,
            np.full(len(values), row),
            MARKERS[row % len(MARKERS)],
            color=colour,
            alpha=min(0.5, 10 / len(values)),  # many dots overlap; the darker, the more
            markersize=6,
        )
        ax.plot([values.mean()] * 2, [row - 0.3, row + 0.3], color=colour, linewidth=2.5)
        ax.annotate(f"{values.mean():.3g}", (values.mean(), row - 0.34), ha="center", va="bottom", fontsize=9)
    ax.set_yticks(range(len(series)), list(series))
    ax.set_ylim(len(series) - 0.4, -0.8)
