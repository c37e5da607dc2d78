"""The anatomy of a lecture: what every notebook has, in which order, and what it must never have."""

import ast
import json
import re
import statistics
from itertools import pairwise
from pathlib import Path

import pytest

from course_utils.evidence.fingerprint import fingerprint
from course_utils.evidence.record import RECORDS, Claim, Record
from course_utils.files import EXPERIMENT_NOTEBOOKS, EXPERIMENTS, LECTURES, NOTEBOOKS, START_AND_LECTURES
from course_utils.publishing.notebooks import PROGRESS_BAR, picture
from course_utils.publishing.readme import PICTURES, signature
from course_utils.publishing.slides import hides_code

from .notebooks import code_cells, definitions, headings, load, markdown

README = NOTEBOOKS.parent / "README.md"
NAMES = [path.stem for path in LECTURES]
EXPECTED = [
    "01_sequence_to_sequence",
    "02_bahdanau_attention",
    "03_document_attention",
    "04_convolution_limits",
    "05_transformer",
    "06_graph_attention",
]
SLIDE_TYPES = {"slide", "subslide", "fragment", "skip", "notes", "-"}

EXPERIMENT_NAMES = [f"experiments/{path.stem}" for path in sorted(EXPERIMENTS.glob("[0-9][0-9]_*.ipynb"))]

every_lecture = pytest.mark.parametrize("name", NAMES)
every_experiment = pytest.mark.parametrize("name", EXPERIMENT_NAMES)
every_notebook = pytest.mark.parametrize("name", [*NAMES, *EXPERIMENT_NAMES])


def lines(source: str) -> list[str]:
    return [line for line in source.splitlines() if line.strip()]


def tags(cell) -> list[str]:
    return cell.metadata.get("tags", [])


def outputs(name: str):
    return [output for cell in code_cells(name) for output in cell.outputs]


def test_the_six_lectures_are_there_in_order():
    assert NAMES == EXPECTED


def test_the_notebooks_are_light_and_what_weighs_most_in_them_are_the_weights_of_two_stages():
    """All of them together, as git has them; without the weights of the stages of lectures 02 and 05, figures remain.

    A stage carries the weights of its models, one run of more than 100,000 signs of base64. A picture follows a comma,
    and is not taken for one.
    """
    weights = re.compile(r"(?<![\w+/=,])[\w+/=]{100000,}")
    texts = {path: path.read_text(encoding="utf-8") for path in (*START_AND_LECTURES, *EXPERIMENT_NOTEBOOKS)}
    assert sum(len(text.encode()) for text in texts.values()) < 5.5e6, "plotting.show keeps few colours"
    assert {path.stem: len(found) for path, text in texts.items() if (found := weights.findall(text))} == {
        "02_bahdanau_attention": 1,
        "05_transformer": 1,
    }
    assert sum(len(weights.sub("", text).encode()) for text in texts.values()) < 5e6, "plotting.show keeps few colours"


@every_notebook
def test_cells_are_short_enough_to_hold_one_idea(name):
    for cell in code_cells(name)[1:]:  # the first holds all imports
        n = len(lines(cell.source))
        longest = 40 if re.search(r"^class ", cell.source, flags=re.MULTILINE) else 25
        assert n <= longest, f"{n} lines in: {cell.source[:80]}"


@every_lecture
def test_most_cells_of_a_lecture_have_eight_lines_or_fewer(name):
    lengths = [len(lines(cell.source)) for cell in code_cells(name)[1:]]
    assert statistics.median(lengths) <= 8
    assert statistics.quantiles(lengths, n=10, method="inclusive")[-1] <= 20


@every_lecture
def test_no_more_than_two_code_cells_follow_each_other_without_a_sentence(name):
    kinds = "".join("c" if cell.cell_type == "code" else "m" for cell in load(name).cells)
    assert "ccc" not in kinds


@every_notebook
def test_all_imports_stand_in_the_first_code_cell(name):
    for number, cell in enumerate(code_cells(name)):
        imports = any(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.walk(ast.parse(cell.source)))
        assert imports == (number == 0)


@every_notebook
def test_nothing_is_installed_silenced_or_switched_off(name):
    for cell in code_cells(name):
        source = cell.source
        assert not re.search(
            r"^\s*[!%]|sys\.path|filterwarnings|if False|pip install|os\.environ", source, re.MULTILINE
        )
        assert not re.search(r";\s*$", source, re.MULTILINE), "a trailing semicolon breaks the comparison of outputs"


@every_notebook
def test_outputs_come_from_one_clean_run_from_top_to_bottom(name):
    assert [cell.execution_count for cell in code_cells(name)] == list(range(1, len(code_cells(name)) + 1))
    for output in outputs(name):
        assert output.output_type != "error"
        assert output.get("name") != "stderr", output.get("text")
        assert "\r" not in output.get("text", ""), "a progress bar was not collapsed to its last state"


@every_notebook
def test_no_output_tells_where_it_was_made(name):
    text = (NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8")
    assert not re.search(r"/(tmp|home|root|Users|work)/", re.sub(r"data:image/[^\"]*", "", text))
    assert set(load(name).metadata) == {"kernelspec", "language_info"}


@every_lecture
def test_every_picture_has_a_description(name):
    described = [found[0] for output in outputs(name) if (found := picture(output))]
    assert described, "a lecture needs its signature figure"
    assert min(map(len, described)) > 40, "say what is drawn and what it shows"
    assert not re.search(r"!\[\s*\]\(", markdown(name))


@every_notebook
def test_every_column_of_a_table_has_a_name(name):
    lines = [line for cell in load(name).cells if cell.cell_type == "markdown" for line in cell.source.split("\n")]
    heads = [above for above, line in pairwise(lines) if re.fullmatch(r"\|(:?-+:?\|)+", line)]
    unnamed = [head for head in heads if not all(column.strip() for column in head.strip("|").split("|"))]
    assert not unnamed, "who listens to a page hears the name of each column"


@every_lecture
def test_one_figure_is_the_signature_of_the_lecture_and_its_picture_is_kept(name):
    _, description, picture = signature(NOTEBOOKS / f"{name}.ipynb")
    assert len(description) > 40
    assert (PICTURES / f"{name}.png").read_bytes() == picture, "run: .venv/bin/python -m course_utils.publishing.readme"


@every_lecture
def test_every_cell_knows_its_place_in_the_slides(name):
    for cell in load(name).cells:
        kind = cell.metadata.slideshow.slide_type
        assert kind in SLIDE_TYPES
        if cell.cell_type == "markdown" and re.match(r"##? ", cell.source) and kind != "skip":
            assert kind == "slide"
        if cell.cell_type == "code" and kind not in {"skip", "notes"} and not hides_code(cell):
            assert len(lines(cell.source)) <= 15
            assert max(map(len, cell.source.splitlines())) <= 60, cell.source


@every_lecture
def test_at_least_three_outputs_that_the_text_discusses_are_compared(name):
    assert len([cell for cell in code_cells(name) if "nbval-check-output" in tags(cell)]) >= 3


@every_notebook
def test_what_is_compared_has_an_output_and_no_cell_begins_with_a_mark_for_the_tests(name):
    assert not [cell.source for cell in code_cells(name) if "# NBVAL" in cell.source]
    compared = [cell for cell in code_cells(name) if "nbval-check-output" in tags(cell)]
    assert all(cell.outputs for cell in compared)


@every_notebook
def test_what_is_compared_shows_no_picture_whose_pixels_differ_by_machine_and_nothing_shows_a_corpus_being_built(name):
    outputs = {cell.id: json.dumps(cell.outputs, ensure_ascii=False) for cell in code_cells(name)}
    compared = {cell.id for cell in code_cells(name) if "nbval-check-output" in tags(cell)}
    assert not [cell for cell in compared if "base64" in outputs[cell] or PROGRESS_BAR.search(outputs[cell])]
    assert not [cell for cell, shown in outputs.items() if "number words en-" in shown or "reading docstrings" in shown]


@every_notebook
def test_a_hidden_cell_is_folded_in_jupyterlab_too(name):
    for cell in code_cells(name):
        assert ("hide-input" in tags(cell)) == cell.metadata.get("jupyter", {}).get("source_hidden", False), cell.source


@every_experiment
def test_an_experiment_belongs_to_a_lecture_and_links_to_it(name):
    lecture = name.removeprefix("experiments/")
    assert lecture in NAMES
    assert headings(name)[0][1].startswith(f"{lecture[:2]} · ")
    assert f"(../{lecture}.ipynb)" in markdown(name)
    assert f"(experiments/{lecture}.ipynb)" in markdown(lecture)


@every_notebook
def test_a_lecture_that_the_text_names_is_one_click_away(name):
    """Headings, and what a drawing's description or a guard says, hold no links."""
    text = re.sub(r"<!--.*?-->|```.*?```|`[^`]*`|^#.*?$", "", markdown(name), flags=re.DOTALL | re.MULTILINE)
    unlinked = re.sub(r"!?\[[^\]]*\]\([^)]*\)", "", text)
    assert not re.findall(r".{0,40}\blectures?\s+0\d.*", unlinked, flags=re.IGNORECASE)


@every_lecture
def test_a_lecture_measures_nothing_and_reads_what_was_measured(name):
    assert not measure_calls(name)
    assert "judge(stored(" in "\n".join(cell.source for cell in code_cells(name))


@every_notebook
def test_no_compared_cell_prints_an_error_of_rounding_which_differs_by_processor(name):
    compared = [cell for cell in code_cells(name) if "nbval-check-output" in cell.metadata.get("tags", [])]
    printed = "\n".join(output.get("text", "") for cell in compared for output in cell.outputs)
    tiny = [number for number in re.findall(r"\d[\d.]*e-\d+", printed) if 0 < float(number) < 1e-6]
    assert not [number for number in tiny if f"equal to {number}" not in printed]


def measure_calls(name: str) -> list[dict[str, ast.expr]]:
    calls = []
    for cell in code_cells(name):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "measure":
                calls.append({keyword.arg: keyword.value for keyword in node.keywords})
    return calls


@every_experiment
def test_every_record_is_fresh(name):
    module = definitions(name)

    def value(node: ast.expr):
        return eval(compile(ast.Expression(node), name, "eval"), {**vars(module), "Claim": Claim})

    calls = measure_calls(name)
    assert calls, "an experiment needs a claim"
    for call in calls:
        record = Record.read(RECORDS / f"{value(call['name'])}.json")
        assert record.name.startswith(name[12:14])
        assert record.claims == value(call["claims"])
        assert record.seeds == list(value(call["seeds"]))
        assert len(record.seeds) >= 3
        assert record.fingerprint == fingerprint(value(call["experiment"])), (
            f"the experiment changed since it was recorded: python3 course.py evidence {record.name}"
        )


@every_experiment
def test_a_lecture_has_one_to_three_primary_claims(name):
    records = [Record.read(path) for path in RECORDS.glob(f"{name[12:14]}_*.json")]
    assert 1 <= sum(claim.primary for record in records for claim in record.claims) <= 3


@every_experiment
def test_every_claim_is_judged_with_a_control(name):
    source = "\n".join(cell.source for cell in code_cells(name))
    claiming = [call for call in measure_calls(name) if ast.unparse(call["claims"]) != "[]"]
    assert source.count("judge(") >= len(claiming)
    for path in RECORDS.glob(f"{name[12:14]}_*.json"):
        for claim in Record.read(path).claims:
            assert claim.control not in {claim.treatment, claim.baseline}


def test_every_record_belongs_to_an_experiment():
    measured = {ast.literal_eval(call["name"]) for name in EXPERIMENT_NAMES for call in measure_calls(name)}
    assert {path.stem for path in RECORDS.glob("*.json")} == measured


def test_no_text_names_a_place_that_only_its_author_has():
    checkout = NOTEBOOKS.parent
    files = [*checkout.glob("*.md"), *checkout.glob("*.py"), *checkout.glob("*.toml"), *checkout.glob("*.lock")]
    files += [*checkout.glob("course_utils/**/*.py"), *checkout.glob("datasets/*.*"), *RECORDS.glob("*.json")]
    for file in files:
        found = re.search(r"(?<![\w.:/])/(tmp|home|root|work)/|\.\./shared", Path(file).read_text(encoding="utf-8"))
        assert not found, f"{file.name}: {found}"
