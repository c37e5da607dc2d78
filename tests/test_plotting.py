"""Figures reach the page with their description, and refuse labels that do not fit."""

import base64
import io
import re

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from course_utils import plotting


@pytest.fixture
def displayed(monkeypatch):
    outputs = []
    monkeypatch.setattr(plotting, "display", lambda data, raw: outputs.append(data))
    return outputs


def test_nothing_is_said_of_a_second_face_that_has_no_bold(displayed, caplog):
    with plt.rc_context({"font.family": ["DejaVu Sans", "cmex10"]}):
        fig, ax = plt.subplots()
        ax.set_title("bold", weight="bold")
        plotting.show(fig, "A title.")
    assert not caplog.records


def test_a_figure_is_shown_with_its_description_as_alternative_text_and_closed(displayed):
    fig, ax = plt.subplots()
    ax.plot([1, 2])
    plotting.show(fig, 'Loss "falls" & stays < 1')
    (output,) = displayed
    assert 'alt="Loss &quot;falls&quot; &amp; stays &lt; 1"' in output["text/html"]
    assert output["text/html"].count("base64,") == 1
    assert set(output) == {"text/html", "text/plain"}, "a picture is stored once"
    assert output["text/plain"] == 'Loss "falls" & stays < 1'
    assert not plt.fignum_exists(fig.number)


def test_the_same_figure_gives_the_same_bytes(displayed):
    for _ in range(2):
        fig, ax = plt.subplots()
        ax.plot([1, 2])
        plotting.show(fig, "a line")
    assert displayed[0] == displayed[1]


def test_a_figure_without_description_is_refused(displayed):
    fig, _ = plt.subplots()
    with pytest.raises(ValueError, match="description"):
        plotting.show(fig, " ")
    plt.close(fig)


def test_an_attention_map_has_queries_on_rows_and_keys_on_columns():
    fig, ax = plt.subplots()
    weights = np.array([[0.1, 0.9], [0.5, 0.5], [0.8, 0.2]])
    plotting.attention_map(ax, weights, ["q0", "q1", "q2"], ["k0", "k1"])
    assert [label.get_text() for label in ax.get_xticklabels()] == ["k0", "k1"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["q0", "q1", "q2"]
    image = ax.get_images()[0]
    assert image.get_clim() == (0, 1)
    assert np.array_equal(image.get_array(), weights)
    plt.close(fig)


def test_an_attention_map_refuses_weights_that_are_transposed():
    fig, ax = plt.subplots()
    with pytest.raises(ValueError, match=r"\(2, 3\).*got \(3, 2\)"):
        plotting.attention_map(ax, np.zeros((3, 2)), ["q0", "q1"], ["k0", "k1", "k2"])
    plt.close(fig)


def test_seed_lines_draw_every_seed_and_their_mean():
    fig, ax = plt.subplots()
    values = np.array([[0.0, 1.0], [1.0, 2.0], [2.0, 6.0]])
    plotting.seed_lines(ax, [1, 2], {"a": values, "b": values + 1})
    assert len(ax.lines) == 2 * (3 + 1)
    assert np.allclose(ax.lines[3].get_ydata(), [1.0, 3.0])
    assert [text.get_text().strip() for text in ax.texts] == ["a", "b"]
    with pytest.raises(ValueError, match=r"'a' must have shape \(n_seeds, 3\)"):
        plotting.seed_lines(ax, [1, 2, 3], {"a": values})
    with pytest.raises(ValueError, match=r"'a' must have shape \(n_seeds, 2\), got \(2,\)"):
        plotting.seed_lines(ax, [1, 2], {"a": values[0]})
    plt.close(fig)


def test_seed_lines_take_the_colours_they_are_given_in_the_order_of_the_conditions():
    fig, ax = plt.subplots()
    values = np.zeros((3, 2))
    colours = ["grey", plotting.MODEL_COLOURS["attention"]]
    plotting.seed_lines(ax, [1, 2], {"a": values, "b": values + 1}, colours)
    assert [line.get_color() for line in ax.lines] == ["grey"] * 4 + [plotting.MODEL_COLOURS["attention"]] * 4
    assert [text.get_color() for text in ax.texts] == colours
    plt.close(fig)


def test_the_mean_of_a_condition_has_the_line_style_it_is_given_and_its_seeds_stay_thin_lines():
    fig, ax = plt.subplots()
    values = np.zeros((3, 2))
    plotting.seed_lines(ax, [1, 2], {"a": values, "b": values, "c": values}, styles=["-", "--"])
    assert [line.get_linestyle() for line in ax.lines[3::4]] == ["-", "--", "-"]
    assert {line.get_linestyle() for i, line in enumerate(ax.lines) if i % 4 < 3} == {"-"}
    plt.close(fig)


def test_a_model_keeps_the_marker_it_is_given_and_the_others_have_theirs_by_place():
    fig, ax = plt.subplots()
    values = np.zeros((3, 2))
    plotting.seed_lines(ax, [1, 2], {"a": values, "b": values, "c": values}, markers={"a": "D", "c": "^"})
    assert [line.get_marker() for line in ax.lines[3::4]] == ["D", plotting.MARKERS[1], "^"]
    plt.close(fig)


def test_a_map_drawn_without_a_scale_of_its_own_is_darker_where_there_is_more():
    fig, ax = plt.subplots()
    shades = ax.imshow([[0.0, 1.0]]).cmap([0.0, 0.5, 1.0])[:, :3].mean(axis=1)
    assert np.all(np.diff(shades) < -0.3)
    plt.close(fig)


def test_names_at_the_ends_of_curves_do_not_overlap():
    fig, ax = plt.subplots()
    plotting.seed_lines(ax, [1, 2], {"a": np.full((3, 2), 0.5), "b": np.full((3, 2), 0.501), "c": np.zeros((3, 2))})
    fig.canvas.draw()
    heights = sorted(text.get_window_extent().y0 * 72 / fig.dpi for text in ax.texts)
    assert min(np.diff(heights)) > 10
    plt.close(fig)


def test_a_name_is_written_where_it_is_asked_for_and_the_others_at_their_ends():
    fig, ax = plt.subplots()
    plotting.seed_lines(ax, [1, 2], {"a": np.zeros((3, 2)), "b": np.zeros((3, 2))}, names_at={"a": (1.5, 0.01)})
    assert {text.get_text(): text.xy if hasattr(text, "xy") else text.get_position() for text in ax.texts} == {
        "a": (1.5, 0.01),
        "b": (2, 0.0),
    }
    plt.close(fig)


def test_seed_dots_draw_every_seed_and_their_mean():
    fig, ax = plt.subplots()
    plotting.seed_dots(ax, {"a": [0.25, 0.75], "b": [0.1, 0.3]})
    assert [text.get_text() for text in ax.texts] == ["0.500", "0.200"]
    assert len(ax.lines) == 4
    with pytest.raises(ValueError, match="one value per seed"):
        plotting.seed_dots(ax, {"a": np.ones((2, 1))})
    plt.close(fig)


def test_the_dots_of_many_seeds_are_fainter():
    fig, ax = plt.subplots()
    plotting.seed_dots(ax, {"few": np.zeros(3), "twenty": np.zeros(20), "hundred": np.zeros(100)})
    assert [line.get_alpha() for line in ax.lines[::2]] == [0.5, 0.5, 0.1]
    plt.close(fig)


def test_a_picture_is_kept_sharper_than_it_is_shown(displayed):
    fig, _ = plt.subplots(figsize=(6, 3.5))
    dots = fig.dpi
    plotting.show(fig, "An empty figure.")
    (shown,) = displayed
    png = base64.b64decode(re.search(r"base64,([^\"]+)", shown["text/html"])[1])
    width, height = (int.from_bytes(png[place : place + 4], "big") for place in (16, 20))
    assert (width, height) == (2 * round(6 * dots), 2 * round(3.5 * dots))
    assert f'width="{round(6 * dots)}"' in shown["text/html"]


def test_curves_and_dots_take_the_colours_they_are_given():
    fig, axes = plt.subplots(1, 2)
    plotting.seed_lines(axes[0], [1, 2], {"a": np.ones((1, 2)), "b": np.ones((1, 2))}, ["#123456"])
    assert {line.get_color() for line in axes[0].lines} == {"#123456"}
    plotting.seed_dots(axes[1], {"a": [0.1, 0.2], "b": [0.2, 0.3]}, ["a", "b"], ["#123456", "#654321"])
    assert [line.get_color() for line in axes[1].lines[::2]] == ["#123456", "#654321"]
    plt.close(fig)


def test_only_what_is_compared_is_coloured():
    fig, ax = plt.subplots()
    plotting.seed_dots(ax, {"a": [0.1, 0.2], "b": [0.2, 0.3], "c": [0.2, 0.3]}, compared=("c", "a"))
    colours = [line.get_color() for line in ax.lines[::2]]
    assert colours == [plotting.COLOURS[2], plotting.CONTEXT, plotting.COLOURS[1]]
    with pytest.raises(ValueError, match=r"'d'.*none of the rows"):
        plotting.seed_dots(ax, {"a": [0.1, 0.2]}, compared=("d",))
    plt.close(fig)


def test_numbers_beside_each_other_have_the_same_decimals_and_a_real_minus():
    assert plotting._alike([0.851, 0.71, -0.3]) == ["0.851", "0.710", "\N{MINUS SIGN}0.300"]
    assert plotting._alike([85.12, 7.1, -0.0]) == ["85.1", "7.1", "0.0"]
    assert plotting._alike([1234.5, 2.0]) == ["1234", "2"]
    assert plotting._alike([0.0, 0.0]) == ["0.00", "0.00"]


def test_the_description_tells_the_values_that_were_drawn(displayed):
    fig, (left, right) = plt.subplots(1, 2)
    plotting.seed_lines(left, [1, 12], {"attention": np.array([[1.0, 0.9], [1.0, 0.8]])})
    left.set(title="Exact match", xlabel="digits", ylabel="percent")
    plotting.attention_map(right, np.array([[0.1, 0.9]]), ["acht"], ["forty", "eight"])
    plotting.show(fig, "Attention hardly falls.")
    assert displayed[0]["text/plain"] == (
        "Attention hardly falls. Exact match: percent by digits: attention 1 at 1, 0.85 at 12. "
        "queries by keys: the most of each query's weight: 'acht' at 'eight' 0.90."
    )
    assert "Exact match: percent by digits" in displayed[0]["text/html"]


def test_a_description_is_one_line_even_where_a_title_has_two(displayed):
    fig, ax = plt.subplots()
    plotting.seed_dots(ax, {"GAT": np.array([0.8])})
    ax.set_title("Docs: references +14.6 points,\nattention itself")
    plotting.show(fig, "References bring\nmuch.")
    assert displayed[0]["text/plain"].startswith(
        "References bring much. Docs: references +14.6 points, attention itself: "
    )
    assert "\n" not in displayed[0]["text/plain"]


def shown_picture(output):
    """Give the picture of a figure that was shown."""
    return Image.open(io.BytesIO(base64.b64decode(re.search(r"base64,([^\"]+)", output["text/html"])[1])))


def with_all_models():
    """Draw a thin line, a name and faint seeds in each model's colour, beside much text."""
    fig, ax = plt.subplots(figsize=(9, 5))
    for row, (name, colour) in enumerate(plotting.MODEL_COLOURS.items()):
        plotting.seed_lines(ax, [0, 1, 2], {name: row + np.linspace(0, 0.6, 15).reshape(5, 3)}, [colour])
    return fig


@pytest.mark.parametrize("with_a_map", [False, True])
def test_every_models_colour_comes_back_as_it_was_drawn(displayed, monkeypatch, with_a_map):
    fig = with_all_models()
    if with_a_map:
        plotting.attention_map(fig.add_axes((0.05, 0.55, 0.3, 0.4)), np.linspace(0, 1, 6)[None], ["q"], list("abcdef"))
    drawn = io.BytesIO()
    save = fig.savefig
    monkeypatch.setattr(fig, "savefig", lambda file, **how: (save(file, **how), drawn.write(file.getvalue())))
    plotting.show(fig, "All models.")
    before = np.asarray(Image.open(drawn).convert("RGB")).astype(int)
    off = np.abs(before - np.asarray(shown_picture(displayed[0]).convert("RGB"))).max(axis=-1)
    for colour in {"white", *plotting.MODEL_COLOURS.values()}:
        filled = (before == np.rint(255 * np.array(to_rgb(colour)))).all(axis=-1)
        assert filled.sum() > 20, f"{colour} is drawn"
        assert off[filled].max() <= 4, f"{colour} comes back"
    assert shown_picture(displayed[0]).mode == "P", "a palette keeps the file small"


def test_a_colour_bar_beside_all_models_has_no_grey_and_grows_darker_in_fine_steps(displayed):
    fig = with_all_models()
    fig.set_layout_engine("none")
    left = fig.add_axes((0.02, 0.8, 0.1, 0.1))
    image = left.imshow([[0.0, 1.0]], vmin=0, vmax=1, cmap=plotting.WEIGHTS)
    fig.colorbar(image, cax=fig.add_axes((0.05, 0.1, 0.04, 0.6)))
    plotting.show(fig, "All models and a scale.")
    picture = np.asarray(shown_picture(displayed[0]).convert("RGB")).astype(float)
    height, width, _ = picture.shape
    bar = picture[int(0.305 * height) : int(0.895 * height), int(0.07 * width)][::-1]  # from 0 at the bottom to 1
    lightness = bar @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(lightness) <= 0).all(), "darker all the way"
    assert len(np.unique(bar, axis=0)) >= 20, "in fine steps"
    assert (bar[:, 0] + bar[:, 2] - 2 * bar[:, 1] > 10).all(), "purple everywhere, never grey"


def test_a_picture_keeps_a_palette_and_looks_the_same(displayed):
    fig, ax = plt.subplots()
    ax.imshow(np.linspace(0, 1, 100).reshape(10, 10))
    fig.canvas.draw()
    before = np.asarray(fig.canvas.buffer_rgba())[..., :3].astype(float)
    plotting.show(fig, "A ramp.")
    picture = shown_picture(displayed[0])
    assert picture.mode == "P"
    after = np.asarray(picture.convert("RGB").resize(before.shape[1::-1], Image.Resampling.BOX), dtype=float)
    assert np.abs(after - before).mean() < 3


def test_a_model_that_is_compared_keeps_its_colour_wherever_it_stands():
    for compared in (("GAT", "other"), ("other", "GAT")):
        _, ax = plt.subplots()
        plotting.seed_dots(ax, {"GAT": [1.0, 2.0], "other": [1.0, 2.0]}, compared)
        dots = [line for line in ax.lines if line.get_marker() == "o"]
        assert dots[0].get_color() == plotting.MODEL_COLOURS["GAT"] != dots[1].get_color()
