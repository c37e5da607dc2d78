"""Data of the reader's own, as it comes: what can be read is read, and every refusal is one sentence that helps."""

import gzip
import os
import socket
import subprocess
import sys

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from course_utils.data.batches import Vocabulary
from course_utils.data.documents import read_documents
from course_utils.data.graphs import read_graph
from course_utils.data.pairs import read_pairs
from course_utils.data.tables import numbers_in, read_table
from course_utils.data.text_lines import text_lines
from course_utils.files import CHECKOUT

PAIRS = [(f"Satz Nummer {i}.", f"sentence number {i}") for i in range(211)]
LINES = [f"{source}\t{target}" for source, target in PAIRS]
NODES = [f"n{i},{'rot' if i % 2 else 'grün'},{i},{i / 8},-1" for i in range(13)]
EDGES = ["n0,n1", "n1,n0", "n2,n2", "n5,n3"]


def one_sentence(error):
    """The message of an error, which fills one line and names no module or line of code."""
    message = str(error.value)
    assert "\n" not in message
    assert "Traceback" not in message
    return message


# --- pairs of sentences -----------------------------------------------------------------------------------------------


@pytest.fixture
def pairs_of(tmp_path):
    """Read the pairs in these lines, or in these bytes, from a file."""

    def read(content, **how):
        path = tmp_path / "own.tsv"
        path.write_bytes(content if isinstance(content, bytes) else "\n".join(content).encode())
        return read_pairs(path, "German", "English", **how)

    return read


def every(pairs):
    return sorted(pairs.train + pairs.val + pairs.test)


@pytest.mark.parametrize(
    "content",
    [
        [*LINES[:7], "", " \t ", *LINES[7:], "", ""],
        ["German\tEnglish", *LINES],
        ["source\ttarget", *LINES],
        ["", "Source\tTarget", *LINES],
        "\r".join(LINES).encode(),
        "\r\n".join([*LINES, ""]).encode("utf-8-sig"),
        [f"{line}\t\t" for line in LINES],
        [f"{source};{target}" for source, target in PAIRS],
        [f'"{source}","{target}"' for source, target in PAIRS],
        [f"{source}\t{target}\tCC-BY 2.0 (France) #{len(source)}{i}" for i, (source, target) in enumerate(PAIRS)],
        [f"{7 * i}\t{source}\t{9 * i}\t{target}" for i, (source, target) in enumerate(PAIRS)],
        ["id\tsource\ttarget", *(f"{i}\t{line}" for i, line in enumerate(LINES))],
        [f"{line}\t0.{i}" for i, line in enumerate(LINES)],
        [f"{line}\tauthor {i}\t{i}" for i, line in enumerate(LINES)],
        [f"deu\t{line}" for line in LINES],
    ],
    ids=[
        *("empty lines", "header of languages", "header", "header below an empty line", "old Mac", "Windows"),
        *("empty columns", "semicolons", "commas in quotes", "manythings", "Tatoeba", "numbers first", "scores last"),
        *("four columns", "language first"),
    ],
)
def test_a_file_of_pairs_is_read_as_it_comes(content, pairs_of):
    assert every(pairs_of(content)) == sorted(PAIRS)


def test_what_is_not_read_of_a_file_of_pairs_is_said(pairs_of, capsys):
    pairs_of(["German\tEnglish\tlicence", *(f"{line}\tfree {i}" for i, line in enumerate(LINES))])
    said = capsys.readouterr().out
    assert "own.tsv: of 3 columns, 1 and 2 are read as source and target; columns=(…, …) chooses others." in said
    assert "own.tsv, line 1: read as a header line, not as a pair." in said
    pairs_of(LINES)
    assert capsys.readouterr().out == ""


def test_columns_may_be_named(pairs_of):
    lines = [f"{target}\tx{i}\ty{i}\tz{i}\t{source}" for i, (source, target) in enumerate(PAIRS)]
    assert every(pairs_of(lines, columns=(5, 1))) == sorted(PAIRS)


def test_a_first_pair_is_not_taken_for_a_header(pairs_of):
    assert ("Quelle", "source") in every(pairs_of(["Quelle\tsource", *LINES]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([*LINES[:7], "eins\ttwo\tdrei", *LINES[7:]], r"line 8: .*3 of 3 columns hold text\. Take the line out"),
        ([*LINES[:7], "", "allein", *LINES[7:]], r"own\.tsv, line 9: .*1 of 1 columns hold text"),
        ([source for source, _ in PAIRS], r"line 1: .*No line has a tab.*save the file as tab-separated text"),
        ([f"{s};{t}" for s, t in PAIRS] + ["a;b;c"], r"line 212: 2 columns of text with a semicolon between"),
        ([*(f"{s};{t}" for s, t in PAIRS[:7]), '"a;b', "c;d"], r'line 8: a quote \("\) is left open here'),
        (b"", r"own\.tsv is empty; one pair of sentences per line is needed"),
        (b"\r\n\r\n", r"own\.tsv is empty"),
        ([f"{i}\tdeu\t{s}" for i, (s, _) in enumerate(PAIRS)], r"3 columns, but 1 of text .*name source and target"),
        ([f"{line}\ta{i}\tb\tc" for i, line in enumerate(LINES)], r"has 5 columns; say which two .*columns=\(1, 2\)"),
        (LINES[:3], r"no pair falls into val.*a hundred different ones or more are needed"),
        (b"PK\x03\x04", r"own\.tsv is a zip archive, or an Excel or Word document, not plain text; unpack or export"),
        (gzip.compress(b"eins\tone", mtime=0), r"own\.tsv is a gzip archive, not plain text"),
    ],
)  # fmt: skip
def test_pairs_that_cannot_be_read_are_refused_in_a_sentence(content, message, pairs_of):
    with pytest.raises(ValueError, match=message) as error:
        pairs_of(content)
    one_sentence(error)


@pytest.mark.parametrize("columns", [(1, 1), (0, 1), (1, 3), (-1, 2)])
def test_columns_that_are_not_there_are_refused(columns, pairs_of):
    with pytest.raises(ValueError, match=r"columns is \(.*name two"):
        pairs_of(LINES, columns=columns)


def test_signs_that_a_text_spells_are_unknown_words(pairs_of):
    pairs = pairs_of([*LINES, *(f"<pad> <unk> {i}\t<bos> <eos> end {i}" for i in range(50))])
    vocabulary = Vocabulary([target.split() for _, target in pairs.train])
    assert vocabulary.words[:4] == Vocabulary.special
    assert len(set(vocabulary.words)) == len(vocabulary)
    assert vocabulary.encode(list(Vocabulary.special)).tolist() == 4 * [Vocabulary.unk]
    assert vocabulary.decode(vocabulary.encode(["<eos>", "end"])) == ["<unk>", "end"]


# --- encodings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "text", "name"),
    [
        ("latin-1", "schöne Grüße", "WINDOWS-1252"),
        ("cp1252", "„schön“ – 5 €", "WINDOWS-1252"),
        ("cp1250", "Łódź żółw", "WINDOWS-1250"),
        ("cp1251", "Привет мир", "WINDOWS-1251"),
        ("cp1253", "Καλημέρα κόσμε", "WINDOWS-1253"),
        ("cp949", "안녕하세요 친구", "CP949"),
        ("cp932", "こんにちは", "CP932"),
        ("gbk", "你好世界", "GBK"),
    ],
)
def test_a_windows_encoding_is_named_with_how_to_convert_it(encoding, text, name):
    raw = f"line\n{text}\tgood day\n".encode(encoding)
    with pytest.raises(ValueError, match=r"own\.txt, line 2: byte \d+ is not UTF-8; save the file as UTF-8") as error:
        text_lines(raw, "own.txt")
    message = one_sentence(error)
    assert f"iconv -f {name} -t UTF-8 OLD > NEW" in message
    assert text.split()[0] in message


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_what_windows_calls_unicode_is_named(encoding):
    with pytest.raises(ValueError, match=rf"is not UTF-8; .*iconv -f {encoding[:6].upper()} -t UTF-8"):
        text_lines("eins\tone\nzwei\ttwo\n".encode(encoding), "own.txt")


def test_zero_bytes_and_bytes_of_no_encoding_are_no_traceback():
    assert text_lines(b"a\0b\tc\nfurther words stand here\n", "own.txt")[0] == "a\0b\tc"
    with pytest.raises(ValueError, match="its encoding is not known here"):
        text_lines(b"\x81\x8d\x8f\xff\n", "own.txt")


# --- files that are none ----------------------------------------------------------------------------------------------


def a_folder(path):
    path.mkdir()


def a_pipe(path):
    os.mkfifo(path)


def a_socket(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def a_dangling_link(path):
    path.symlink_to("nowhere")


def a_link_to_itself(path):
    path.symlink_to(path.name)


def nothing(path):
    pass


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (a_folder, "own is a folder, but a file is needed"),
        (a_pipe, "own is not a regular file"),
        (a_socket, "own is not a regular file"),
        (a_dangling_link, "own is a link to a file that is not there"),
        (a_link_to_itself, "own cannot be read"),
        (nothing, "No such file or directory: '.*own'"),
    ],
)
def test_what_is_no_file_is_named_by_every_reader(make, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's address must be short
    make(tmp_path / "own")
    (tmp_path / "n.csv").write_text("\n".join(NODES))
    for read in (
        lambda: read_pairs("own", "German", "English"),
        lambda: read_graph("own", "n.csv"),
        lambda: read_graph("n.csv", "own"),
    ):
        with pytest.raises((OSError, ValueError), match=message) as error:
            read()
        one_sentence(error)


# --- documents --------------------------------------------------------------------------------------------------------


@pytest.fixture
def texts(tmp_path):
    """Two classes of five and seven texts."""
    for name, number in (("poems", 5), ("recipes", 7)):
        (tmp_path / name).mkdir()
        for i in range(number):
            (tmp_path / name / f"{i}.txt").write_text(f"{name} {i}")
    return tmp_path


def test_what_a_mac_hides_is_passed_over(texts, capsys):
    (texts / "__MACOSX" / "poems").mkdir(parents=True)
    (texts / "__MACOSX" / "poems" / "._0.txt").write_bytes(b"\0\5\x16\xff")
    for hidden in (".DS_Store", "poems/.DS_Store", "poems/._0.txt"):
        (texts / hidden).write_bytes(b"\0\5\x16\xff")
    documents = read_documents(texts)
    assert documents.classes == ("poems", "recipes")
    assert len(documents.texts) == 12
    assert capsys.readouterr().out == ""


def test_texts_with_capital_endings_and_in_nested_folders_are_read(texts):
    (texts / "poems" / "UPPER.TXT").write_text("written in capitals")
    (texts / "poems" / "more.txt" / "deeper").mkdir(parents=True)
    (texts / "poems" / "more.txt" / "deeper" / "deep.Txt").write_text("written deep down")
    documents = read_documents(texts)
    assert {"written in capitals", "written deep down"} <= set(documents.texts)
    assert documents.labels.count(0) == 7


def test_files_of_other_kinds_are_counted(texts, capsys):
    (texts / "notes.txt").write_text("in no class")
    (texts / "poems" / "poem.pdf").write_bytes(b"%PDF")
    read_documents(texts)
    assert ": 2 files are no *.txt of a class and were passed over, such as " in capsys.readouterr().out


def test_links_that_lead_back_are_not_walked_for_ever(texts):
    (texts / "poems" / "itself").symlink_to(".")
    (texts / "recipes" / "up").symlink_to("..")
    assert len(read_documents(texts).texts) == 12


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (a_pipe, r"x\.txt is not a regular file"),
        (a_dangling_link, r"x\.txt is a link to a file that is not there"),
        (lambda path: path.write_bytes(b"\xef\xbb\xbf\r\n"), r"x\.txt is empty; take it out"),
        (lambda path: path.write_bytes("süß".encode("cp1252")), r"x\.txt, line 1: byte 2 is not UTF-8.*WINDOWS-1252"),
        (lambda path: path.write_text("recipes 3"), r"x\.txt.* in another class; keep one of them"),
        (lambda path: path.write_bytes(b"{\\rtf1"), r"x\.txt is formatted text \(RTF\)"),
    ],
)
def test_a_text_that_cannot_be_read_is_named(make, message, texts):
    make(texts / "poems" / "x.txt")
    with pytest.raises((OSError, ValueError), match=message) as error:
        read_documents(texts)
    one_sentence(error)


def test_a_folder_that_must_not_be_read_is_not_called_empty(texts, monkeypatch):
    def refuse(folder):
        if folder.name == "poems":
            raise PermissionError(13, "Permission denied", str(folder))
        return listed(folder)

    listed = os.listdir
    monkeypatch.setattr(os, "listdir", refuse)
    with pytest.raises(PermissionError, match=r"Permission denied: '.*poems'; get the right to read this folder"):
        read_documents(texts)


# --- graphs -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def graph_of(tmp_path):
    """Read a graph from the lines of its two tables."""

    def read(edges=EDGES, nodes=NODES, n_train_per_class=2, n_val=3):
        for name, lines in (("e.csv", edges), ("n.csv", nodes)):
            (tmp_path / name).write_bytes(lines if isinstance(lines, bytes) else "\n".join(lines).encode())
        return read_graph(tmp_path / "e.csv", tmp_path / "n.csv", n_train_per_class, n_val)

    return read


def assert_same_graph(one, other):
    assert one.features.toarray().tolist() == other.features.toarray().tolist()
    assert one.features.dtype == np.float32
    for name in ("labels", "sources", "targets", "train", "val", "test"):
        assert torch.equal(getattr(one, name), getattr(other, name)), name


@pytest.mark.parametrize("sign", [";", "\t", " "])
def test_tables_may_have_other_separators_header_lines_and_weights(sign, graph_of, capsys):
    plain = graph_of()
    nodes = [line.replace(",", sign) for line in ["node,class,a,b,c", *NODES]]
    edges = [f"{line},0.5".replace(",", sign) for line in EDGES]
    graph = graph_of([f"source{sign}target{sign}weight", *edges], nodes)
    assert_same_graph(graph, plain)
    assert (graph.names, graph.classes) == (plain.names, plain.classes)
    said = capsys.readouterr().out
    assert "n.csv, line 1: read as a header line, not as a node." in said
    assert "e.csv, line 1: read as a header line, not as an edge." in said
    assert "e.csv: column 3 (weights?) is not used" in said


def test_a_decimal_comma_is_read_where_semicolons_separate(graph_of):
    nodes = [line.replace(",", ";").replace(".", ",") for line in NODES]
    assert_same_graph(graph_of(nodes=nodes), graph_of())


def test_the_class_may_be_the_last_column_as_in_coras_own_file(graph_of):
    rows = [line.split(",") for line in NODES]
    nodes = ["\t".join([name, *numbers, label]) for name, label, *numbers in rows]
    graph = graph_of(nodes=nodes)
    assert_same_graph(graph, graph_of())
    assert graph.classes == ("grün", "rot")


def test_zeros_of_a_table_are_not_stored_however_they_are_written(graph_of):
    graph = graph_of(nodes=[f"n{i},{i % 2},0,0.0,-0,0e5,1e-50,{i}" for i in range(13)])
    assert graph.features.nnz == 12
    assert graph.features.shape == (13, 6)


NUMBERS = st.one_of(
    st.from_regex(r"[-+]?[0-9]{0,24}\.?[0-9]{0,24}", fullmatch=True),
    st.floats().map(repr),
    st.text("0123456789.-+eE_ ,x", max_size=9),
    st.sampled_from(
        ["", "-", ".", "-.", "--1", "1.2.3", "1-2", "-.5", "5.", "1e5", "1_0", " 7 ", "٣", "½", "nan", "-inf"]
    ),
)


def as_float(text, separator):
    for spelling in (text, text.replace(",", ".") if separator != "," else text):
        try:
            return float(spelling)
        except ValueError:
            pass
    return float("nan")


@given(cells=st.lists(NUMBERS, min_size=1, max_size=9), separator=st.sampled_from(",;"))
def test_numbers_that_are_read_at_once_are_those_that_float_reads_one_by_one(cells, separator):
    numbers = numbers_in("\n".join(cells), separator)
    expected = [as_float(cell, separator) for cell in cells]
    np.testing.assert_allclose(numbers, expected, rtol=4 * np.finfo(float).eps, atol=0)


def test_numbers_of_few_digits_are_those_of_float_to_the_last_bit():
    cells = [
        f"{sign}{i}.{j:0{width}}" for sign in ("", "-") for i in (0, 7, 1234) for j in range(40) for width in (2, 9)
    ]
    assert numbers_in("\n".join(cells), ",").tolist() == list(map(float, cells))


@pytest.mark.parametrize("sign", [",", ";", "\t"])
@pytest.mark.parametrize("class_is_last", [False, True])
def test_a_table_with_quotes_gives_the_same_graph_as_one_without(sign, class_is_last, graph_of):
    rows = [line.split(",") for line in NODES]
    rows = [[name, *numbers, label] if class_is_last else [name, label, *numbers] for name, label, *numbers in rows]
    quoted = [sign.join(f'"{cell}"' for cell in row) for row in rows]
    half = [line if i % 2 else sign.join(row) for i, (line, row) in enumerate(zip(quoted, rows, strict=True))]
    for nodes in (quoted, half):
        assert_same_graph(graph_of(nodes=nodes), graph_of())


def test_rows_are_numbered_by_their_first_line_also_behind_one_of_several_lines(tmp_path):
    (tmp_path / "t.csv").write_text('a,1,2\n\n"b\nc\nd",3,4\n,,\ne,5,6\n')
    _, rows = read_table(tmp_path / "t.csv", 3, "a line")
    assert list(rows) == [(1, "a,1,2"), (3, ["bcd", "3", "4"]), (7, "e,5,6")]


def with_line(line):
    return [*NODES[:7], line, *NODES[7:]]


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        (with_line('"n99,rot,1,2,3'), r'n\.csv, line 8: a quote \("\) is left open here.*close the quote'),
        ([*with_line('"n99,rot,1,2,3'), '"n77",rot,1,2,3'], r"n\.csv, line 8: a quote"),
        ([*with_line('"n99,rot,1,2,3'), *(f"m{i},rot,1,2,3" for i in range(9999))], r"n\.csv, line 8: a quote"),
        (with_line(f"{200_000 * 'x'},rot,1,2,3"), r"n\.csv, line 8: .*longer than 131,072 characters"),
        (with_line("n99,rot,1,1e39,3"), r"n\.csv, line 8: '1e39' is not a finite number in 32 bits"),
        (with_line("n99,rot,1,1e400,3"), r"n\.csv, line 8: '1e400' is not a finite number"),
        (with_line("n99,rot,1,-inf,3"), r"n\.csv, line 8: '-inf' is not a finite number"),
        (with_line("n99,rot,1,,3"), r"n\.csv, line 8: '' is not a finite number"),
        (["node,class,a"], r"n\.csv holds nothing but a header line"),
        ("\n".join(NODES).encode("utf-16"), r"n\.csv, line 1: .*UTF-16"),
    ],
)
def test_nodes_that_cannot_be_read_are_refused_in_a_sentence(nodes, message, graph_of, recwarn):
    with pytest.raises(ValueError, match=message) as error:
        graph_of(nodes=nodes)
    one_sentence(error)
    assert not recwarn.list


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        (["source,target"], r"e\.csv holds nothing but a header line"),
        (["quelle,ziel", *EDGES], r"e\.csv, line 1: node 'quelle' has no line .*take this line out if it is a header"),
        ([*EDGES, "", "n1,n77"], r"e\.csv, line 6: node 'n77' has no line in .*n\.csv"),
        ([*EDGES[:2], '"n1,n2', *EDGES[2:]], r'e\.csv, line 3: a quote \("\) is left open here'),
        (["n0,n1,0.5", "n1,n2,red"], r"e\.csv, line 2: 3 columns; the names of two nodes are needed and a number"),
    ],
)
def test_edges_that_cannot_be_read_are_refused_in_a_sentence(edges, message, graph_of):
    with pytest.raises(ValueError, match=message) as error:
        graph_of(edges)
    one_sentence(error)


@pytest.mark.parametrize("numbers", [(0, 3), (-1, 3), (2, -5), (2, 0), (2, 100), (6, 1)])
def test_numbers_that_make_no_split_are_refused(numbers, graph_of):
    with pytest.raises(ValueError, match=r"n_train_per_class|n_val"):
        graph_of(n_train_per_class=numbers[0], n_val=numbers[1])


def test_a_wide_table_takes_memory_for_what_is_not_zero_only(tmp_path):
    """800 rows of 4,000 numbers, 1 % of them not zero: 25 MB in 64 bits, 320 MB as Python's objects."""
    row = ["0"] * 4000
    with (tmp_path / "n.csv").open("w") as file:
        for i in range(800):
            cells = row.copy()
            cells[i % 100 :: 100] = ["1"] * 40
            file.write(f"n{i},{i % 3},{','.join(cells)}\n")
    (tmp_path / "e.csv").write_text("n1,n2\n")
    code = (
        "import tracemalloc; from course_utils.data.graphs import read_graph; tracemalloc.start();"
        "graph = read_graph('e.csv', 'n.csv'); print(graph.features.nnz, tracemalloc.get_traced_memory()[1])"
    )
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, check=True
    )
    n_stored, peak = map(int, answer.stdout.split())
    assert n_stored == 800 * 40
    assert peak < 10e6


def save_npz(path, **changes):
    """Write the graph of NODES and EDGES as two sparse matrices; a change to None leaves an array out."""
    rows = [line.split(",") for line in NODES]
    pairs = np.array([[int(name[1:]) for name in line.split(",")] for line in EDGES]).T
    adj = csr_matrix((np.ones(len(EDGES)), pairs), shape=(13, 13))
    attr = csr_matrix(np.array([row[2:] for row in rows], dtype=float))
    arrays = {
        f"{part}_{of}": getattr(matrix, of)
        for part, matrix in (("adj", adj), ("attr", attr))
        for of in ("data", "indices", "indptr", "shape")
    }
    arrays |= {"labels": np.arange(13) % 2, "class_names": np.array(["grün", "rot"])} | changes
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return read_graph(path, n_train_per_class=2, n_val=3)


def test_an_npz_file_gives_the_same_graph_as_tables(tmp_path, graph_of):
    graph = save_npz(tmp_path / "own.npz", node_names=np.array([line.split(",")[0] for line in NODES]))
    plain = graph_of()
    assert_same_graph(graph, plain)
    assert (graph.names, graph.classes) == (plain.names, plain.classes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"adj_indptr": None, "labels": None}, r"own\.npz lacks adj_indptr, labels; it holds adj_data"),
        ({"labels": np.array([{}] * 13)}, r"labels cannot be read as a plain array .*refused: a pickle can run code"),
        ({"labels": np.arange(7) % 2}, r"13 nodes, labels of shape \(7,\)"),
        ({"labels": np.linspace(0, 1, 13)}, r"classes must be whole numbers or texts, but they are float64"),
        ({"adj_indices": np.array([1, 99, 2, 3])}, r"the four arrays of adj make no sparse matrix"),
        ({"adj_shape": np.array([13, 17])}, r"adj must have as many rows as columns"),
        ({"attr_data": np.full(13 * 3 - 2, np.inf)}, r"attr.* is not finite in 32 bits"),
        ({"attr_data": np.full(13 * 3 - 2, 1e39)}, r"attr.* is not finite in 32 bits"),
    ],
)  # fmt: skip
def test_an_npz_file_that_holds_no_graph_is_refused_in_a_sentence(changes, message, tmp_path):
    with pytest.raises(ValueError, match=message) as error:
        save_npz(tmp_path / "own.npz", **changes)
    one_sentence(error)


def bent(raw):
    place = raw.index(b"NUMPY") + 200
    return raw[:place] + bytes([raw[place] ^ 255]) + raw[place + 1 :]


@pytest.mark.parametrize("damage", [lambda raw: raw[: len(raw) // 2], lambda raw: b"", lambda raw: b"\x93NUMPY", bent])
def test_a_damaged_npz_file_is_named(damage, tmp_path):
    save_npz(tmp_path / "own.npz")
    (tmp_path / "own.npz").write_bytes(damage((tmp_path / "own.npz").read_bytes()))
    with pytest.raises(ValueError, match=r"own\.npz is damaged or no \.npz file.*write it again"):
        read_graph(tmp_path / "own.npz")


def test_one_table_alone_and_other_objects_are_refused(tmp_path):
    (tmp_path / "e.csv").write_text("n1,n2\n")
    with pytest.raises(ValueError, match=r"e\.csv is one file; give two tables"):
        read_graph(tmp_path / "e.csv")
    with pytest.raises(ValueError, match="got list, expected the path of a table"):
        read_graph([(1, 2)])


def networkx_graph():
    graph = nx.Graph()
    for line in NODES:
        name, label, *numbers = line.split(",")
        graph.add_node(name, label=label, features=[float(number) for number in numbers])
    graph.add_edges_from(line.split(",") for line in EDGES)
    return graph


@pytest.mark.parametrize("kind", [nx.Graph, nx.DiGraph, nx.MultiGraph, nx.MultiDiGraph])
def test_a_networkx_graph_gives_the_same_graph_as_tables(kind, graph_of):
    graph, plain = read_graph(kind(networkx_graph()), n_train_per_class=2, n_val=3), graph_of()
    assert_same_graph(graph, plain)
    assert (graph.names, graph.classes) == (plain.names, plain.classes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda nodes: nodes["n3"].pop("label"), r"'n3' of the networkx graph has none of label, .*it has features"),
        (lambda nodes: nodes["n3"].update(features=[1, 2]), r"'n3' .*has 2 features, but the nodes before it have 3"),
        (lambda nodes: nodes["n3"].update(features="abc"), r"'n3' .*its features are no row of numbers"),
        (lambda nodes: nodes["n3"].update(features=[1, 2, 1e39]), r"'n3' .*not finite in 32 bits"),
    ],
)  # fmt: skip
def test_a_node_of_networkx_that_lacks_something_is_named(change, message):
    graph = networkx_graph()
    change(graph.nodes)
    with pytest.raises(ValueError, match=message) as error:
        read_graph(graph, n_train_per_class=2, n_val=3)
    one_sentence(error)


class LooksLikeDgl:
    """What read_graph needs of a DGL graph, so that this test does without DGL."""

    ntypes, etypes = ["_N"], ["_E"]

    def __init__(self, **changes):
        rows = [line.split(",") for line in NODES]
        features = torch.tensor([[float(number) for number in row[2:]] for row in rows])
        self.ndata = {"label": torch.arange(13) % 2, "feat": features} | changes

    def edges(self):
        return torch.tensor([0, 1, 2, 5]), torch.tensor([1, 0, 2, 3])


def test_a_dgl_graph_gives_the_same_graph_as_tables(graph_of):
    assert_same_graph(read_graph(LooksLikeDgl(), n_train_per_class=2, n_val=3), graph_of())


def test_a_dgl_graph_keeps_the_split_it_brings():
    node = torch.arange(13)
    masks = {"train_mask": node < 4, "val_mask": (node >= 4) & (node < 7), "test_mask": node > 8}
    graph = read_graph(LooksLikeDgl(**masks))
    assert [part.nonzero()[:, 0].tolist() for part in (graph.train, graph.val, graph.test)] == [
        [0, 1, 2, 3], [4, 5, 6], [9, 10, 11, 12]
    ]  # fmt: skip
    with pytest.raises(ValueError, match="a node is in two of train_mask, val_mask, test_mask"):
        read_graph(LooksLikeDgl(**masks | {"val_mask": node > 2}))
    with pytest.raises(ValueError, match="val_mask must say True or False for each of 13 nodes, True for one or more"):
        read_graph(LooksLikeDgl(**masks | {"val_mask": node > 99}))


def test_a_dgl_graph_of_several_kinds_or_without_features_is_refused():
    graph = LooksLikeDgl()
    del graph.ndata["feat"]
    with pytest.raises(ValueError, match="has none of feat, features, x; it has label"):
        read_graph(graph)
    graph = LooksLikeDgl()
    graph.ntypes = ["paper", "author"]
    with pytest.raises(ValueError, match="with one kind of node and of edge is needed"):
        read_graph(graph)
