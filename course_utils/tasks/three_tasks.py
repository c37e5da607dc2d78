"""One score on three tasks: ``try_score(score)`` puts it into a translator, a document classifier and a graph network.

The three models are as small as they can be and still need what the lectures taught; the only thing that changes from
one call to the next is the score. The decoder starts from zeros: it learns of its source through `attend` alone.
"""

import sys
from collections.abc import Callable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from course_utils.attention import Score, attend, padding_mask
from course_utils.data.batches import Batch, Vocabulary, bucketed, pad
from course_utils.data.docstrings.corpus import load_docs
from course_utils.data.node_classification import CitationGraph
from course_utils.data.number_words import NumberWords, load_number_words
from course_utils.training import fit, linear_decay, set_seed

RECIPE = 1  # raise it when a task, a model or its training changes: records of older recipes are then stale
MOST_NEIGHBOURS = 16


def try_score(score: Score, seed: int = 0, progress: bool = True) -> dict[str, float]:
    """Train one small model a task with this score, and measure each on what it has not seen.

    Parameters
    ----------
    score
        ``score(keys, query)``: from projected keys ``(*batch, k_len, d)`` and projected queries ``(*batch, q_len, d)``
        of equal width to one real number per pair, ``(*batch, q_len, k_len)``. It has no weights of its own: what is
        learned are the projections.
    seed
        Decides splits, initial weights and the order of the batches.
    progress
        Show a bar over the tasks and print the results.

    Returns
    -------
    Task → accuracy between 0 and 1: ``translation`` (numbers of up to nine digits, English to German, exact match),
    ``documents`` (subject area of a docstring from its words), ``graph`` (the same with few labels and references).
    Empty where the score raises NotImplementedError: an exercise that nobody has attempted yet.

    Raises
    ------
    ValueError
        If the score does not give one finite number per (query, key) pair.
    """
    try:
        _check_score(score)
    except NotImplementedError:
        print("three tasks: not attempted yet.")
        return {}
    tasks: dict[str, Callable[[Score, int], float]] = {
        "translation": translation,
        "documents": documents,
        "graph": graph,
    }
    results = {}
    for name in (bar := tqdm(tasks, file=sys.stdout, ncols=80, disable=not progress)):
        bar.set_description(f"{name:11}")
        set_seed(seed)
        results[name] = tasks[name](score, seed)
    return results


def _check_score(score: Score) -> None:
    """Try a score on small inputs of every shape that the tasks use, before minutes are spent on training."""
    generator = torch.Generator().manual_seed(0)
    for batch, q_len, k_len in (((3,), 5, 7), ((2,), 1, 11), ((), 13, 2)):
        query, keys = (torch.randn(*batch, length, 17, generator=generator) for length in (q_len, k_len))
        scores, expected = score(keys, query), (*batch, q_len, k_len)
        if not isinstance(scores, Tensor) or scores.shape != expected:
            got = tuple(scores.shape) if isinstance(scores, Tensor) else type(scores).__name__
            raise ValueError(
                f"try_score: for keys {tuple(keys.shape)} and query {tuple(query.shape)} the score must have shape "
                f"(*batch, q_len, k_len) = {expected}, but gave {got}; transpose the keys with keys.mT, and sum over "
                "the last axis where you compare vectors."
            )
        if not scores.isfinite().all():
            raise ValueError(
                "try_score: the score gave a number that is not finite; look for a division by zero, the logarithm of "
                "something negative, or an exponential of something large."
            )


class _Projections(nn.Module):
    """Keys and queries of equal width, the same for every task; the values stay as they are."""

    def __init__(self, width: int, score: Score):
        super().__init__()
        self.to_query = nn.Linear(width, width)
        self.to_keys = nn.Linear(width, width)
        self.score = score

    def forward(
        self,
        query: Float[Tensor, "*batch q_len width"],
        values: Float[Tensor, "*batch k_len width"],
        mask: Bool[Tensor, "..."],
    ) -> Float[Tensor, "*batch q_len width"]:
        context, _ = attend(self.to_query(query), self.to_keys(values), values, self.score, mask)
        return context


# Translation: decoder states ask, encoder states answer.


class Translator(nn.Module):
    """An encoder and a decoder of gated recurrent units, joined by attention and by nothing else."""

    def __init__(self, n_source: int, n_target: int, score: Score, width: int = 64):
        super().__init__()
        self.source, self.target = nn.Embedding(n_source, width), nn.Embedding(n_target, width)
        self.encoder = nn.GRU(width, width // 2, batch_first=True, bidirectional=True)
        self.decoder = nn.GRU(width, width, batch_first=True)
        self.look = _Projections(width, score)
        self.mix, self.to_words = nn.Linear(2 * width, width), nn.Linear(width, n_target)

    def encode(self, source: Batch) -> Float[Tensor, "batch src_len width"]:
        """Read the source in both directions."""
        lengths = source.lengths.clamp(min=1).cpu()  # an empty sentence is read as one pad, which the mask hides
        packed = nn.utils.rnn.pack_padded_sequence(
            self.source(source.ids), lengths, batch_first=True, enforce_sorted=False
        )
        return nn.utils.rnn.pad_packed_sequence(self.encoder(packed)[0], batch_first=True)[0]

    def forward(
        self,
        states: Float[Tensor, "batch src_len width"],
        source: Batch,
        previous: Int[Tensor, "batch tgt_len"],
        memory: Float[Tensor, "1 batch width"] | None = None,
    ) -> tuple[Float[Tensor, "batch tgt_len n_words"], Float[Tensor, "1 batch width"]]:
        """Score the next word after each of the previous ones; also give the decoder's last state."""
        asking, memory = self.decoder(self.target(previous), memory)
        context = self.look(asking, states, padding_mask(source.lengths, states.shape[1]))
        return self.to_words(torch.tanh(self.mix(torch.cat([asking, context], dim=-1)))), memory


def translation(score: Score, seed: int, digits: int = 9, epochs: int = 3) -> float:
    """Learn to write English numbers in German; give the share of new numbers that come out word for word."""
    pairs = load_number_words(progress=False)
    pairs = pairs.subset(i for i in range(len(pairs)) if pairs.digits(i) <= digits)
    train, _, test = pairs.split(seed, val=1, test=300)
    words = Vocabulary(train.source), Vocabulary(train.target)
    model = Translator(len(words[0]), len(words[1]), score)
    encoded = [
        (words[0].encode(s), words[1].encode(t, eos=True)) for s, t in zip(train.source, train.target, strict=True)
    ]
    generator = torch.Generator().manual_seed(seed)

    def batches() -> list[list[int]]:
        return bucketed([len(target) for _, target in encoded], 128, generator)

    def batch_loss(chosen: list[int]) -> Tensor:
        source, target = (pad(column) for column in zip(*(encoded[i] for i in chosen), strict=True))
        previous = F.pad(target.ids, (1, -1), value=Vocabulary.bos)
        logits, _ = model(model.encode(source), source, previous)
        return F.cross_entropy(logits[target.mask], target.ids[target.mask])

    fit(model, batch_loss, batches, epochs, lr=0.005, schedule=linear_decay, progress=False)
    return _exact_match(model, test, *words)


@torch.no_grad()
def _exact_match(model: Translator, pairs: NumberWords, sources: Vocabulary, targets: Vocabulary) -> float:
    source = pad([sources.encode(tokens) for tokens in pairs.source])
    states, memory = model.encode(source), None
    word = torch.full((len(pairs), 1), Vocabulary.bos)
    written = []
    for _ in range(max(map(len, pairs.target)) + 1):
        logits, memory = model(states, source, word, memory)
        word = logits.argmax(dim=-1)
        written.append(word)
    ids = torch.cat(written, dim=1)
    right = [targets.decode(row) == list(target) for row, target in zip(ids, pairs.target, strict=True)]
    return sum(right) / len(right)


# Documents: a learned vector asks, the words answer.


class DocumentReader(nn.Module):
    """One learned query per model, word embeddings as values, and a linear classifier on their average."""

    def __init__(self, n_words: int, n_classes: int, score: Score, width: int = 64):
        super().__init__()
        self.embedding = nn.Embedding(n_words, width)
        nn.init.normal_(self.embedding.weight, std=0.1)  # words that were never seen then say little
        self.question = nn.Parameter(torch.randn(1, 1, width) / 10)
        self.look = _Projections(width, score)
        self.to_classes = nn.Linear(width, n_classes)

    def forward(self, document: Batch) -> Float[Tensor, "batch n_classes"]:
        """Score the classes of each document."""
        values = F.dropout(self.embedding(document.ids), 0.3, self.training)
        query = self.question.expand(len(values), -1, -1)
        return self.to_classes(self.look(query, values, document.mask[:, None, :]).squeeze(1))


def documents(score: Score, seed: int, epochs: int = 6) -> float:
    """Learn the subject area of docstrings from their words; give the accuracy on new ones."""
    docs = load_docs(progress=False)
    train, _, test = docs.split(seed)
    vocabulary = Vocabulary([docs.words(i) for i in train.tolist()], min_count=2)
    encoded = [vocabulary.encode(docs.words(i)) for i in range(len(docs))]
    model = DocumentReader(len(vocabulary), len(docs.classes), score)
    generator = torch.Generator().manual_seed(seed)

    def batches() -> list[Tensor]:
        groups = bucketed([len(encoded[i]) for i in train.tolist()], 32, generator)
        return [train[group] for group in groups]

    def logits(chosen: Tensor) -> Tensor:
        return model(pad([encoded[i] for i in chosen.tolist()]))

    fit(
        model,
        lambda chosen: F.cross_entropy(logits(chosen), docs.labels[chosen]),
        batches,
        epochs,
        lr=0.005,
        schedule=linear_decay,
        progress=False,
    )
    with torch.no_grad():
        return (logits(test).argmax(dim=-1) == docs.labels[test]).float().mean().item()


# The graph: each document asks, those it is connected to answer.


class GraphReader(nn.Module):
    """Two layers in which each node reads its neighbours; a node and its neighbours are one batch entry of `attend`."""

    def __init__(self, n_features: int, n_classes: int, score: Score, width: int = 32):
        super().__init__()
        self.project = nn.EmbeddingBag(n_features, width, mode="sum", include_last_offset=True)
        nn.init.xavier_normal_(self.project.weight)
        self.first, self.last = _Projections(width, score), _Projections(width, score)
        self.to_classes = nn.Linear(width, n_classes)

    def forward(
        self,
        words: tuple[Int[Tensor, "n_values"], Int[Tensor, "n_starts"], Float[Tensor, "n_values"]],
        neighbours: Int[Tensor, "n_nodes most"],
        mask: Bool[Tensor, "n_nodes most"],
    ) -> Float[Tensor, "n_nodes n_classes"]:
        """Score the classes of each node from sparse features (columns, row starts, values)."""
        columns, starts, values = words
        hidden = self.project(columns, starts, F.dropout(values, 0.6, self.training))
        for layer in (self.first, self.last):
            hidden = F.dropout(hidden, 0.5, self.training)
            hidden = F.elu(layer(hidden[:, None], F.embedding(neighbours, hidden), mask[:, None]).squeeze(1))
        return self.to_classes(hidden)


def neighbour_table(
    citations: CitationGraph, most: int = MOST_NEIGHBOURS
) -> tuple[Int[Tensor, "n_nodes most"], Bool[Tensor, "n_nodes most"]]:
    """List each node itself and up to ``most - 1`` of its neighbours, drawn where it has more, in a padded rectangle.

    Returns
    -------
    neighbours, mask
        ``mask`` is True where an entry is real.
    """
    others: list[list[int]] = [[] for _ in range(citations.n_nodes)]
    for i in torch.randperm(len(citations.sources)).tolist():
        others[int(citations.targets[i])].append(int(citations.sources[i]))
    rows = [[node, *mine[: most - 1]] for node, mine in enumerate(others)]
    neighbours = torch.tensor([row + [0] * (most - len(row)) for row in rows])
    return neighbours, torch.arange(most) < torch.tensor([len(row) for row in rows])[:, None]


def graph(score: Score, seed: int, epochs: int = 60) -> float:
    """Learn the subject area from few labels, frequent words and references; give the accuracy on the other nodes."""
    citations = load_docs(progress=False).as_graph(seed)
    table = neighbour_table(citations)
    features = citations.features
    words = tuple(torch.from_numpy(part) for part in (features.indices, features.indptr, features.data))
    model = GraphReader(features.shape[1], len(citations.classes), score)

    def loss_on(nodes: Tensor) -> Tensor:
        return F.cross_entropy(model(words, *table)[nodes], citations.labels[nodes])

    def validate() -> float:
        with torch.no_grad():
            return -loss_on(citations.val).item()

    fit(
        model,
        lambda _: loss_on(citations.train),
        lambda: [None],
        epochs,
        lr=0.01,
        weight_decay=5e-4,
        validate=validate,
        progress=False,
    )
    with torch.no_grad():
        right = model(words, *table).argmax(dim=-1) == citations.labels
    return right[citations.test].float().mean().item()
