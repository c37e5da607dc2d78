"""Break each exercise's solution, one small change at a time, and count how many breaks the checks notice.

Run it from the checkout: ``python -m tests.mutation``. It prints the share of changed solutions that are rejected, and
those that are not, each with the reason why it computes the same all the same.

The solutions are those that the notebooks show. The changes are the ones that people make: another axis, a sign, a
transpose, a dropped scale, mask or function, exchanged operands, one too many, any for all, a mean for a sum, whole
division for true, a size of one example written in, and, where gradients are asked for, a detached result.
"""

import ast
import copy
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from unittest import mock

from tqdm import tqdm

from course_utils.exercises import checks, guard
from course_utils.exercises.catalogue import EXERCISES
from course_utils.files import LECTURES
from tests.notebooks import definitions
from tests.solutions import solutions

# exercise → changed line → why it is right all the same
EQUIVALENT: dict[str, dict[str, str]] = {
    "01_masked_loss": {
        "return -log_p[torch.arange(len(right)).detach(), right].mean()": "positions have no gradient to lose"
    },
    "01_greedy": {"word = logits.argmax()": "a tensor that holds one id serves as that id"},
    "02_decoder_step": {
        "return (cell(inputs, state), weights[:, -1])": "there is one query: the first is the last",
        "inputs = torch.cat([word, context[:, -1]], dim=1)": "there is one query: the first is the last",
    },
    "03_indifferent_query": {
        "return seen[:, None] * query - states": "all states change their sign: scores stay 0, states still differ"
    },
    "03_other_weights": {
        "falling = change <= 0": "no number of a change that was computed is exactly zero",
        "ones = torch.ones(len(states), 2)": "the equation for the sum stands there twice",
    },
    "06_layers_until_alike": {
        "return (x - x.amin(0)).max()": "the largest number of a column is one of its numbers",
        "return (x.amax(0) - x).max()": "the smallest number of a column is one of its numbers",
    },
    "05_cross_attention": {
        "weights = (query @ keys.T / W_K.shape[1] ** 0.5).softmax(dim=1)": "the last of two axes is axis 1"
    },
    "05_cached_step": {
        "weights = (keys @ (x @ W_Q) / keys.shape[1] ** 0.5).softmax(dim=-1)": "the only axis is also the last"
    },
}


@dataclass(frozen=True)
class Mutant:
    """A changed solution: its source, and its first line that is not as it was."""

    source: str
    line: str


def mutants(source: str, gradients: bool = False) -> Iterator[Mutant]:
    """Give every solution that differs from this one by a single change, a detached result among them if wanted."""
    tree = ast.parse(source)
    plain = ast.unparse(tree).splitlines()
    seen = {"\n".join(plain)}
    for node in list(ast.walk(tree)):
        for changed in (*_changes(node), *(_detached(node) if gradients else ())):
            node.replacement = changed
            mutant = ast.unparse(_Replace().visit(copy.deepcopy(tree)))
            del node.replacement
            if mutant not in seen:
                seen.add(mutant)
                lines = mutant.splitlines()
                where = next((i for i, pair in enumerate(zip(plain, lines, strict=False)) if pair[0] != pair[1]), -1)
                yield Mutant(mutant, lines[where].strip())


class _Replace(ast.NodeTransformer):
    def visit(self, node: ast.AST) -> ast.AST:
        return node.replacement if hasattr(node, "replacement") else self.generic_visit(node)


SIBLINGS = {
    "any": "all",
    "all": "any",
    "sum": "mean",
    "mean": "sum",
    "zeros": "ones",
    "amax": "amin",
    "tanh": "sigmoid",
}
FLIPPED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
COMPARED = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}


def _changes(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Subscript(value=ast.Attribute(attr="shape")) | ast.Call(func=ast.Name(id="len")):
            yield ast.Constant(5)  # the size of one example
    match node:
        case ast.Call(func=ast.Attribute(value=receiver, attr=name)) if name in SIBLINGS:
            yield ast.Call(ast.Attribute(receiver, SIBLINGS[name], ast.Load()), node.args, node.keywords)
    match node:
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(value=int() | float() as value):  # an axis, an index, a count: one too many, one too few
            yield ast.Constant(value + 1)
            yield ast.Constant(value - 1)
        case ast.UnaryOp(op=ast.USub() | ast.Invert() | ast.Not(), operand=operand):
            yield operand
        case ast.BinOp(left=left, op=op, right=right):
            if type(op) in FLIPPED:
                yield ast.BinOp(left, FLIPPED[type(op)](), right)
            if isinstance(op, ast.Div | ast.FloorDiv):
                yield ast.BinOp(left, ast.FloorDiv() if isinstance(op, ast.Div) else ast.Div(), right)
            if isinstance(op, ast.Sub | ast.Div | ast.MatMult | ast.Pow):
                yield ast.BinOp(right, op, left)
            yield left
            yield right
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in COMPARED:
            yield ast.Compare(left, [COMPARED[type(op)]()], [right])
        case ast.Attribute(value=value, attr="T" | "mT"):
            yield value
        case ast.Call(func=ast.Attribute(value=receiver), args=args) if not _is_module(receiver):
            yield receiver  # x.softmax(-1), x.masked_fill(…), x.transpose(…): left out
            if len(args) == 2:
                yield ast.Call(node.func, args[::-1], node.keywords)
        case ast.Call(args=[first, *others], keywords=keywords):
            yield first  # torch.tanh(x), F.relu(x): left out
            if others:
                yield ast.Call(node.func, [others[0], first, *others[1:]], keywords)


def _detached(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id == "len"):
        yield ast.Call(ast.Attribute(node, "detach", ast.Load()), [], [])


def _is_module(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in {"torch", "F", "math", "dgl", "nn", "fn"}


def survivors() -> tuple[int, dict[str, list[str]]]:
    """Try every mutant of every solution; give how many there were, and exercise → lines that passed as correct."""
    total, alive = 0, {}
    with (
        mock.patch.object(guard, "REHEARSE", False),
        mock.patch.object(checks, "_why_wrong", return_value="Wrong."),
        mock.patch.object(checks, "_why_raised", return_value="Raised."),
    ):
        return _survivors(total, alive)


def _survivors(total: int, alive: dict[str, list[str]]) -> tuple[int, dict[str, list[str]]]:
    for lecture in tqdm([path.stem for path in LECTURES], desc="lectures", file=sys.stdout, ncols=80):
        namespace = vars(definitions(lecture))
        for exercise, (code, answer) in solutions(lecture).items():
            if EXERCISES[exercise].asks_for == "value":
                continue
            for mutant in mutants(code, EXERCISES[exercise].needs_gradient):
                total += 1
                if _passes(exercise, mutant.source, answer, namespace):
                    alive.setdefault(exercise, []).append(mutant.line)
    return total, alive


def _passes(exercise: str, source: str, answer: str, namespace: dict) -> bool:
    scope = dict(namespace)
    try:
        exec(compile(source, "<mutant>", "exec"), scope)
    except Exception:
        return False
    return checks.diagnose(exercise, scope[answer]) == checks.CORRECT


def main() -> int:
    """Print the share that is killed and the survivors; fail where one has no reason."""
    checks.TIME_LIMIT = 2.0
    total, alive = survivors()
    n_alive = sum(map(len, alive.values()))
    print(f"{total} changed solutions, {total - n_alive} rejected: {1 - n_alive / total:.1%}")
    unexplained = 0
    for exercise, lines in alive.items():
        for line in lines:
            reason = EQUIVALENT.get(exercise, {}).get(line)
            unexplained += reason is None
            print(f"  {exercise}: {line}\n      {reason or 'NO REASON GIVEN'}")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
