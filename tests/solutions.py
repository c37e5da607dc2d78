"""The exercises as the notebooks show them: question, stub, check, hints, solution."""

import re
from dataclasses import dataclass

from nbformat import NotebookNode

from tests.notebooks import load


@dataclass(frozen=True)
class Cells:
    """The cells of an exercise: what is shown before (a bug and its symptom), then five neighbours.

    ``exercise`` is the name of its check, ``answer`` the name that is handed to it.
    """

    exercise: str
    answer: str
    shown: list[NotebookNode]
    question: NotebookNode
    stub: NotebookNode
    check: NotebookNode
    hints: NotebookNode
    solution: NotebookNode


def exercises(lecture: str) -> list[Cells]:
    """Find the exercises of a lecture by their stubs, in order."""
    cells = load(lecture).cells
    begin = 0
    found = []
    for i, cell in enumerate(cells):
        if "exercise" in cell.metadata.get("tags", []):
            question, stub, check, hints, solution = cells[i - 1 : i + 4]
            name, answer = re.fullmatch(r'check\("(\w+)", (\w+)\)', check.source.strip()).groups()
            found.append(Cells(name, answer, cells[begin : i - 1], question, stub, check, hints, solution))
            begin = i + 4
    return found


def kind(cells: Cells) -> str:
    """Tell an exercise's kind, from the line under its title."""
    text = "\n".join(cell.source for cell in (*cells.shown, cells.question) if cell.cell_type == "markdown")
    return re.search(r"\*Kind: ([\w ]+)\*", text)[1].strip()


def solution_code(cells: Cells) -> str:
    """Give the Python code of the folded solution."""
    return cells.solution.source.split("```python\n")[1].split("```")[0]


def solutions(lecture: str) -> dict[str, tuple[str, str]]:
    """Give exercise → (code of its solution, the name that the check is handed)."""
    return {cells.exercise: (solution_code(cells), cells.answer) for cells in exercises(lecture)}
