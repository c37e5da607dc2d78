"""The walk-throughs of "Your own data" in datasets/README.md: each trains a model on files as a reader has them."""

import random
import re

import pytest
import torch

from course_utils.files import CHECKOUT

WORDS = {"rot": "red", "blau": "blue", "haus": "house", "baum": "tree", "klein": "small", "alt": "old", "und": "and"}


def walk_through(heading):
    """Give the code blocks below one heading of the page."""
    text = (CHECKOUT / "datasets" / "README.md").read_text(encoding="utf-8")
    (section,) = re.findall(rf"^### {heading}\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL)
    return re.findall(r"^```python\n(.*?)^```", section, re.MULTILINE | re.DOTALL)


@pytest.fixture
def follow(tmp_path, monkeypatch):
    """Run every block of a walk-through in one namespace, in a folder of the reader's."""
    monkeypatch.chdir(tmp_path)

    def run(heading):
        names = {"__name__": "walk_through"}
        for block in walk_through(heading):
            exec(compile(block, f"datasets/README.md, {heading}", "exec"), names)
        return names

    return run


def test_the_page_has_a_walk_through_for_each_kind():
    assert [len(walk_through(kind)) for kind in ("Pairs of sentences", "Documents", "A graph")] == [1, 1, 3]


def test_pairs_become_a_trained_translator(tmp_path, follow, capsys):
    chance = random.Random(0)
    drawn = {tuple(chance.choices(sorted(WORDS), k=chance.randint(2, 4))) for _ in range(211)}
    lines = [f"{' '.join(words)}\t{' '.join(WORDS[word] for word in words)}\tCC-BY\n" for words in sorted(drawn)]
    (tmp_path / "my_pairs.tsv").write_text("German\tEnglish\tlicence\n" + "".join(lines))
    names = follow("Pairs of sentences")
    assert len(names["translations"]) == len(names["pairs"].test)
    assert set(" ".join(names["translations"]).split()) <= set(WORDS.values())
    assert "→" in capsys.readouterr().out


def test_documents_become_a_trained_classifier(tmp_path, follow, capsys):
    for name, about in (
        ("weather", "rain sun cloud wind"),
        ("food", "bread rice soup salt"),
        ("sport", "ball run win"),
    ):
        (tmp_path / "my_texts" / name).mkdir(parents=True)
        for i in range(30):
            text = f"the {i} {' '.join(random.Random(i).choices(about.split(), k=5))} and more"
            (tmp_path / "my_texts" / name / f"{i}.TXT").write_text(text)
    names = follow("Documents")
    assert names["accuracy"]("train") > 0.9
    assert "of the test documents" in capsys.readouterr().out


def test_tables_an_npz_file_and_a_networkx_graph_become_trained_networks(tmp_path, follow, capsys):
    chance = random.Random(0)
    nodes = [f"n{i};{'red' if i % 2 else 'blue'};{i % 2},{chance.randint(1, 9)};0;1" for i in range(103)]
    (tmp_path / "my_nodes.csv").write_text("node;class;a;b;c\n" + "\n".join(nodes))
    edges = [f"n{i};n{(i + 2 * chance.randint(1, 9)) % 102}" for i in range(103)]
    (tmp_path / "my_edges.csv").write_text("source;target\n" + "\n".join(edges))
    names = follow("A graph")
    said = capsys.readouterr().out
    before = float(re.search(r"loss before training: ([\d.]+)", said)[1])
    graph = names["graph"]
    with torch.no_grad():
        assert float(names["loss_on"](graph.val)) < before
    assert names["small"].classes == ("red", "blue")
    assert names["small"].names[5] == "node 5"
    assert names["members"].n_nodes == 34
    assert set(names["members"].classes) == {"Mr. Hi", "Officer"}
