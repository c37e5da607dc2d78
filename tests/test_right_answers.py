"""Every correct way to solve an exercise is accepted: loops, einsum, other dtypes, other layouts, other examples."""

import math

import pytest
import torch
from scipy.optimize import linprog
from torch.nn import functional as F

from course_utils.attention import attend, causal_mask, scaled_dot_score
from course_utils.exercises.catalogue import EXERCISES
from course_utils.exercises.checks import diagnose


def read_sentence_by_sentence(inputs, W, U):
    states = inputs.new_zeros(*inputs.shape[:2], len(U))
    for i in range(len(inputs)):
        state = torch.zeros(len(U))
        for t in range(inputs.shape[1]):
            state = torch.tanh(W @ inputs[i, t] + U @ state)
            states[i, t] = state
    return states


def read_with_torch(inputs, W, U):
    rnn = torch.nn.RNN(W.shape[1], len(W), batch_first=True, bias=False)
    rnn.weight_ih_l0.data, rnn.weight_hh_l0.data = W, U
    return rnn(inputs)[0]


def loss_word_by_word(logits, target, mask):
    total, n_words = torch.zeros(()).double(), 0
    for row, ids, real in zip(logits.double(), target.tolist(), mask.tolist(), strict=True):
        for scores, word, is_word in zip(row, ids, real, strict=True):
            if is_word:
                total, n_words = total + torch.logsumexp(scores, 0) - scores[word], n_words + 1
    return total / n_words


def loss_by_ignoring(logits, target, mask):
    return F.cross_entropy(logits.mT, target.masked_fill(~mask, -100))


def loss_by_weights(logits, target, mask):
    each = F.cross_entropy(logits.flatten(0, 1), target.flatten(), reduction="none")
    return (each * mask.flatten()).sum() / mask.sum()


def greedy_by_recursion(step, state, max_words, word=1):
    if max_words == 0:
        return []
    logits, state = step(word, state)
    word = logits.tolist().index(max(logits.tolist()))
    return [word] if word == 2 else [word, *greedy_by_recursion(step, state, max_words - 1, word)]


def greedy_in_tensors(step, state, max_words):
    words = torch.ones(1, dtype=torch.long)
    while len(words) <= max_words and words[-1] != 2:
        logits, state = step(words[-1], state)
        words = torch.cat([words, logits.softmax(-1).topk(1).indices])
    return words[1:]


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        ("01_mixed_batch", read_sentence_by_sentence),
        ("01_mixed_batch", read_with_torch),
        ("01_masked_loss", loss_word_by_word),
        ("01_masked_loss", loss_by_ignoring),
        ("01_masked_loss", loss_by_weights),
        ("01_greedy", greedy_by_recursion),
        ("01_greedy", greedy_in_tensors),
        ("01_pairs_of_words", ("cats cats dogs cats", "cats dogs cats cats")),
        ("01_pairs_of_words", ["See cats see dogs see", "see dogs see cats see"]),
        ("01_gradient_left", 0.0625),
    ],
)
def test_another_right_answer_of_lecture_01_is_accepted(exercise, answer):
    assert diagnose(exercise, answer) == "correct."


@pytest.mark.parametrize(
    ("sentences", "message"),
    [
        ("cats see", "Expected a tuple of two strings"),
        (("cats", 3), "Expected a tuple of two strings"),
        (("cats see mice", "mice see cats"), "'mice' is not among the words"),
        (("cats see cats", "Cats  see cats"), "The two sentences are the same"),
        (("cats see", "cats cats"), "A bag of words tells them apart: 'cats'"),
        (("cats dogs birds", "birds dogs cats"), "a bag of pairs is not: 'cats dogs'"),
    ],
)
def test_two_sentences_that_a_bag_tells_apart_are_told_how(sentences, message):
    sentence = diagnose("01_pairs_of_words", sentences)
    assert message in sentence
    assert "see dogs see birds" not in sentence, "the answer is given away"


def additive_in_loops(keys, query, W, U, v):
    return torch.stack([torch.stack([v @ torch.tanh(W @ q + U @ k) for k in keys]) for q in query]).double()


def look_by_einsum(embedded, state, states, W):
    scores = torch.einsum("bkd,de,be->bk", states, W, torch.cat([embedded, state], -1))
    weights = scores.exp() / scores.exp().sum(1, keepdim=True)
    return [torch.einsum("bk,bkd->bd", weights, states), weights]


def attend_as_shown_but_over_the_keys(query, keys, values, mask):
    scores = (keys @ query.mT).masked_fill(~mask[:, :, None], torch.finfo(query.dtype).min)
    weights = scores.softmax(dim=1) * mask[:, :, None]
    return weights.mT @ values, weights.mT


def attend_without_nan(query, keys, values, mask):
    scores = (query @ keys.mT).masked_fill(~mask[:, None], -torch.inf)
    weights = scores.softmax(dim=-1).nan_to_num(0.0)
    return weights @ values, weights


def step_by_attend(word, state, states, mask, score, cell):
    context, weights = attend(state.unsqueeze(1), states, states, score, mask.unsqueeze(1))
    return [cell(torch.hstack([word, context.squeeze(1)]), state), weights.squeeze(1)]


def step_sentence_by_sentence(word, state, states, mask, score, cell):
    new, looks = [], []
    for w, s, h, real in zip(word, state, states, mask, strict=True):
        weights = torch.zeros(len(h))
        if real.any():
            weights[real] = score(h[real][None], s[None, None])[0, 0].softmax(0)
        new.append(cell(torch.cat([w, weights @ h])[None], s[None])[0])
        looks.append(weights)
    return torch.stack(new), torch.stack(looks)


def step_by_exponentials(word, state, states, mask, score, cell):
    similarity = score(states, state[:, None])[:, 0].exp() * mask
    weights = similarity / similarity.sum(1, keepdim=True).clamp(min=1e-9)
    context = torch.einsum("bs,bsd->bd", weights, states)
    return cell(torch.cat([word, context], -1), state), weights


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        ("02_soft_dictionary", 14),
        ("02_additive_score", additive_in_loops),
        ("02_blind_look", look_by_einsum),
        ("02_softmax_axis", attend_as_shown_but_over_the_keys),
        ("02_softmax_axis", attend_without_nan),
        ("02_decoder_step", step_by_attend),
        ("02_decoder_step", step_sentence_by_sentence),
        ("02_decoder_step", step_by_exponentials),
        ("02_unreachable_key", lambda keys: (keys[0] + keys[1]) / 2),
        ("02_unreachable_key", lambda keys: torch.arange(len(keys)).double().softmax(0) @ keys.double()),
    ],
)
def test_another_right_answer_of_lecture_02_is_accepted(exercise, answer):
    assert diagnose(exercise, answer) == "correct."


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda keys: keys.mean(0) + 2, "it can be looked up"),
        (lambda keys: keys.mean(0) * torch.nan, "NaN"),
        (lambda keys: keys[1] + 1e-5, "a copy of one"),
        (lambda keys: keys.mean(0, keepdim=True), "one axis of length 1 too many"),
        (lambda keys: keys.mean(0).tolist(), ", found ["),
    ],
)
def test_a_key_that_can_be_looked_up_is_told_by_which_query(answer, message):
    assert message in diagnose("02_unreachable_key", answer)


def pool_in_a_loop(states, mask, W, b, u):
    rows = []
    for s, m in zip(states, mask, strict=True):
        weights = torch.tensor([float(u @ torch.tanh(W @ k + b)) for k in s[m]]).softmax(0)
        rows.append(weights @ s[m] if m.any() else torch.zeros(s.shape[1]))
    return torch.stack(rows)


def other_weights_by_elimination(states, weights):
    """Take words in pairs of a set that depends on the others, as Carathéodory does: lists and a linear solver."""
    n = states.shape[1] + 2
    equations = torch.cat([states[:n].double(), torch.ones(n, 1).double()], dim=1).T
    solved = torch.linalg.solve(equations[:, :-1], -equations[:, -1])
    change = [*solved.tolist(), 1.0] + [0.0] * (len(weights) - n)
    step = min(w / -c for w, c in zip(weights.tolist(), change, strict=True) if c < 0)
    return torch.tensor([w + step * c for w, c in zip(weights.tolist(), change, strict=True)])


def other_weights_by_linear_programming(states, weights):
    """Ask SciPy for the weights of the same average that give the heaviest word as little as possible."""
    cost = torch.nn.functional.one_hot(weights.argmax(), len(weights)).numpy()
    equations = torch.cat([states, torch.ones(len(states), 1)], dim=1).T.double().numpy()
    return torch.from_numpy(linprog(cost, A_eq=equations, b_eq=equations @ weights.double().numpy()).x)


def delete_by_a_mask(decide, documents, weights, share):
    """Lists of Python, one document at a time, and a mask instead of a sort."""
    changed = 0
    for words, row in zip(documents, weights, strict=True):
        gone = sorted(range(len(words)), key=lambda i: -row[i].item())[: math.ceil(share * len(words))]
        rest = torch.tensor([w for i, w in enumerate(words.tolist()) if i not in gone])
        changed += decide([rest]).item() != decide([words]).item()
    return changed / len(documents)


def delete_by_topk(decide, documents, weights, share):
    shortened = []
    for words, row in zip(documents, weights, strict=True):
        real = torch.ones(len(words), dtype=torch.bool)
        real[row.topk(math.ceil(share * len(words))).indices] = False
        shortened.append(words[real])
    return (decide(shortened) != decide(documents)).double().mean()


def by_a_basis(states, query):
    """Keep what lies in the plane at right angles to the query, found by an orthogonal basis."""
    basis = torch.linalg.svd(query[None]).Vh[1:]
    return states @ basis.T @ basis


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        ("03_document_twice", [False, True, True, True, True]),
        ("03_learned_query", pool_in_a_loop),
        ("03_two_levels", ["Edges", 0.24, 1]),
        ("03_delete_top", delete_by_a_mask),
        ("03_delete_top", delete_by_topk),
        ("03_other_weights", other_weights_by_elimination),
        ("03_other_weights", other_weights_by_linear_programming),
        ("03_indifferent_query", by_a_basis),
        ("03_indifferent_query", lambda states, query: by_a_basis(states, query) + query),
    ],
)
def test_another_right_answer_of_lecture_03_is_accepted(exercise, answer):
    assert diagnose(exercise, answer) == "correct."


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda states, query: states.square(), "The weights run from"),
        (lambda states, query: states[:, :3], "found tensor("),
        (lambda states, query: states * torch.nan, "NaN"),
        (lambda states, query: by_a_basis(states, query) / 1000, "no two may be nearer"),
    ],
)
def test_states_for_which_the_query_has_a_preference_are_told_by_their_weights(answer, message):
    assert message in diagnose("03_indifferent_query", answer)


def test_filters_for_the_markers_may_be_louder_more_or_whole_numbers():
    n_markers, first = 4, torch.eye(4)

    def louder(n_words):
        filters = torch.zeros(n_markers, n_words + n_markers, 3, dtype=torch.float64)
        for marker in range(n_markers):
            filters[marker, n_words + marker, 0] = 2 * (marker + 1)
        return [filters, torch.tensor([-6.0, -3.0, -2.0, -1.5]), torch.tensor(18.0)]

    def twice_and_one_that_never_fires(n_words):
        filters = torch.zeros(9, n_words + n_markers, 3)
        filters[:4, n_words:, 0] = filters[4:8, n_words:, 0] = first
        filters[8] = -1
        return filters, torch.tensor([-0.5] * 8 + [7.0]), 1.5

    def whole_numbers(n_words):
        filters = F.pad(torch.eye(4, dtype=torch.long)[:, :, None], (0, 2, n_words, 0))
        return filters, torch.tensor([-2, -2, -2, -2]), 3

    def seen_from_behind(n_words):  # no filter fires on a word between
        filters = torch.cat([-torch.ones(4, n_words, 3), torch.zeros(4, 4, 3)], dim=1)
        filters[:, n_words:, 0] = 3 * first
        filters[:, :, 1:] = 0
        return filters, -torch.ones(4), 4.5

    for answer in (louder, twice_and_one_that_never_fires, whole_numbers, seen_from_behind):
        assert diagnose("04_marker_filters", answer) == "correct.", answer.__name__


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (lambda n: torch.zeros(4, n + 4, 3), "Return three things"),
        (lambda n: (torch.zeros(4, 3, n + 4), torch.ones(4), 0.0), "axes of your filters are in another order"),
        (lambda n: (torch.zeros(4, n + 4, 5), torch.ones(4), 0.0), "Expected filters of shape (n_filters, "),
        (lambda n: (torch.zeros(4, n + 4, 3), torch.ones(2, 4), 0.0), "one number per filter"),
        (lambda n: (torch.zeros(4, n + 4, 3), torch.ones(4), 1.0), "marker 0 first and marker 1 last, 1 apart"),
        (lambda n: (torch.zeros(4, n + 4, 3), torch.full((4,), torch.nan), 1.0), "answers nan"),
    ],
)
def test_filters_that_miss_a_marker_are_told_by_the_sentence(answer, sentence):
    assert sentence in diagnose("04_marker_filters", answer)


def test_pairs_in_a_state_may_be_a_list():
    assert diagnose("04_pairs_in_a_state", [16, 64, 2048]) == "correct."


def test_a_causal_convolution_that_pads_both_sides_and_cuts_the_end_off_is_accepted():
    def cut(x, weight, dilation):
        reach = dilation * (weight.shape[2] - 1)
        return F.conv1d(x, weight, padding=reach, dilation=dilation)[..., : x.shape[2]]

    def taps(x, weight, dilation):
        kernel_size, length = weight.shape[2], x.shape[2]
        copies = [F.pad(x, (dilation * (kernel_size - 1 - k), 0))[..., :length] for k in range(kernel_size)]
        return sum(weight[:, :, k] @ copy for k, copy in enumerate(copies))

    assert diagnose("04_causal_convolution", cut) == "correct."
    assert diagnose("04_causal_convolution", taps) == "correct."


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (lambda w: ([w[2]] * 2, [w[2]] * 5), "correct."),
        (lambda w: [(w[0], w[1], w[2], w[1], w[2]), (w[0], w[1], w[2], w[1], w[2], w[1], w[2])], "correct."),
        (lambda w: ([w[1], w[0], w[2], w[0]], [w[1], w[0], w[2], w[0], w[2]]), "end in different words"),
        (lambda w: ([w[1], w[0], w[2], w[0]], [w[1], w[0], w[1], w[0]]), "has the window"),
        (lambda w: ([w[0], "cheese"], [w[0]]), "not in the list of words"),
        (lambda w: ([w[0], [1]], [w[0]]), "not in the list of words"),
        (lambda w: (w, w, w), "Return two sentences"),
        (lambda w: (1, 2), "Return two sentences"),
        (lambda w: None, "Return two sentences"),
    ],
)
def test_any_two_sentences_with_the_same_windows_are_twins(answer, sentence):
    assert sentence in diagnose("04_twins", answer)


def test_twins_get_the_same_answer_from_a_network_and_others_do_not():
    words = ["a", "b", "c"]
    torch.manual_seed(0)
    embedding, filters = torch.randn(3, 5), torch.randn(200, 5, 2)

    def strongest(sentence):
        x = embedding[[words.index(word) for word in sentence]].T
        return F.relu(F.conv1d(F.pad(x, (0, 1)), filters)).amax(dim=-1)

    first, second = EXERCISES["04_twins"].reference(words)
    torch.testing.assert_close(strongest(first), strongest(second))  # of two lengths, so rounded otherwise
    for mistake in ("another order", "a word twice", "the sentence twice", "another end"):
        first, second = EXERCISES["04_twins"].wrong_answers[mistake].computes(words)
        assert not torch.allclose(strongest(first), strongest(second), atol=1e-3)


def test_cross_attention_may_be_written_in_loops_in_pytorchs_own_words_or_as_a_list():
    def loops(x, memory, W_Q, W_K, W_V):
        rows = []
        for word in x:
            scores = torch.stack([(word @ W_Q) @ (other @ W_K) for other in memory]).double()
            rows.append(torch.softmax(scores / W_K.shape[1] ** 0.5, dim=0))
        weights = torch.stack(rows)
        return [weights @ (memory @ W_V).double(), weights]

    def fused(x, memory, W_Q, W_K, W_V):
        query, keys, values = (x @ W_Q)[None], (memory @ W_K)[None], (memory @ W_V)[None]
        context = F.scaled_dot_product_attention(query, keys, values)[0]
        weights = F.scaled_dot_product_attention(query, keys, torch.eye(len(memory))[None])[0]
        return context, weights

    assert diagnose("05_cross_attention", loops) == "correct."
    assert diagnose("05_cross_attention", fused) == "correct."


@pytest.mark.parametrize(
    "answer",
    [
        lambda q_len, k_len: torch.ones(q_len, k_len, dtype=torch.bool).tril(k_len - q_len),
        lambda q_len, k_len: torch.ones(k_len, k_len).tril().bool()[-q_len:],
        lambda q_len, k_len: torch.tensor([[j <= k_len - q_len + i for j in range(k_len)] for i in range(q_len)]),
        lambda q_len, k_len: ~torch.triu(torch.ones(q_len, k_len, dtype=torch.bool), diagonal=k_len - q_len + 1),
    ],
)
def test_the_mask_of_the_last_words_may_be_shifted_cut_out_or_compared(answer):
    assert diagnose("05_mask_of_last", answer) == "correct."


def test_places_may_be_rotated_by_complex_numbers_matrices_or_one_by_one():
    def complex_numbers(x, turn):
        angle = torch.outer(torch.arange(len(x)).float(), turn)
        return torch.view_as_real(torch.view_as_complex(x.view(len(x), -1, 2)) * torch.exp(1j * angle)).reshape(x.shape)

    def matrices(x, turn):
        blocks = [torch.tensor([[0.0, -speed], [speed, 0.0]]) for speed in turn.tolist()]
        step = torch.linalg.matrix_exp(torch.block_diag(*blocks))
        return torch.stack([torch.linalg.matrix_power(step, t) @ row for t, row in enumerate(x)])

    def in_place(x, turn):
        result = x.clone().double()
        for t in range(len(x)):
            for i, speed in enumerate(turn.double()):
                a, b = x[t, 2 * i].double(), x[t, 2 * i + 1].double()
                result[t, 2 * i] = a * torch.cos(t * speed) - b * torch.sin(t * speed)
                result[t, 2 * i + 1] = a * torch.sin(t * speed) + b * torch.cos(t * speed)
        return result

    for answer in (complex_numbers, matrices, in_place):
        assert diagnose("05_rotate", answer) == "correct."


def test_rotated_queries_and_keys_are_scored_by_their_distance_alone():
    torch.manual_seed(0)
    turn = torch.rand(5)
    query, keys = (EXERCISES["05_rotate"].reference(torch.randn(10).expand(7, -1), turn) for _ in range(2))
    scores = query @ keys.T
    for shift in range(-6, 7):
        along = scores.diagonal(shift)
        torch.testing.assert_close(along, along[:1].expand(len(along)), rtol=1e-4, atol=1e-4)


def test_a_cache_may_be_stacked_or_masked_and_gives_what_a_causal_mask_gives():
    def stacked(x, W_Q, W_K, W_V, keys, values):
        keys = torch.vstack([keys, x @ W_K])
        values = torch.vstack([values, x @ W_V])
        weights = F.softmax((x @ W_Q) @ keys.mT / W_K.shape[1] ** 0.5, dim=-1)
        return [(weights[:, None] * values).sum(0), keys, values]

    def fused(x, W_Q, W_K, W_V, keys, values):
        keys, values = torch.cat([keys, (x @ W_K)[None]]), torch.cat([values, (x @ W_V)[None]])
        return F.scaled_dot_product_attention((x @ W_Q)[None, None], keys[None], values[None])[0, 0], keys, values

    assert diagnose("05_cached_step", stacked) == "correct."
    assert diagnose("05_cached_step", fused) == "correct."
    torch.manual_seed(0)
    sentence, (W_Q, W_K, W_V) = torch.randn(7, 5), torch.randn(3, 5, 11)
    keys = values = torch.empty(0, 11)
    contexts = []
    for word in sentence:
        context, keys, values = EXERCISES["05_cached_step"].reference(word, W_Q, W_K, W_V, keys, values)
        contexts.append(context)
    expected, _ = attend(sentence @ W_Q, sentence @ W_K, sentence @ W_V, scaled_dot_score, causal_mask(7))
    torch.testing.assert_close(torch.stack(contexts), expected)


def test_leaks_may_be_found_by_the_gradient_or_by_noise():
    def by_gradient(attention, x):
        slopes = torch.autograd.functional.jacobian(attention, x)  # (length, d_value, length, d_model)
        return (slopes != 0).any(dim=3).any(dim=1)

    def by_noise(attention, x):
        seen = torch.zeros(len(x), len(x), dtype=torch.bool)
        for j in range(len(x)):
            changed = x.clone()
            changed[j] = torch.randn(x.shape[1])
            for i in range(len(x)):
                seen[i, j] = not torch.allclose(attention(changed)[i], attention(x)[i])
        return seen

    assert diagnose("05_who_sees_whom", by_gradient) == "correct."
    assert diagnose("05_who_sees_whom", by_noise) == "correct."


def test_neighbours_may_be_read_one_by_one_or_with_a_table():
    def one_by_one(sources, targets, n_nodes, values, a_query, a_key):
        mean, context = torch.zeros_like(values), torch.zeros_like(values)
        for node in range(n_nodes):
            mine = sources[targets == node]
            if len(mine):
                scores = F.leaky_relu(values[node] @ a_query + values[mine] @ a_key, 0.2)
                mean[node] = values[mine].mean(dim=0)
                context[node] = scores.softmax(dim=0) @ values[mine]
        return mean, context

    def with_a_table(sources, targets, n_nodes, values, a_query, a_key):
        edges = torch.zeros(n_nodes, n_nodes).index_put((targets, sources), torch.ones(len(sources)), accumulate=True)
        scores = F.leaky_relu((values @ a_query)[:, None] + values @ a_key, 0.2)
        shares = [edges, edges * scores.exp()]
        return [share / share.sum(dim=1, keepdim=True).clamp_min(1e-20) @ values for share in shares]

    assert diagnose("06_update_all", one_by_one) == "correct."
    assert diagnose("06_update_all", with_a_table) == "correct."


def test_a_dynamic_score_may_be_summed_or_looped():
    def summed(query, keys, a):
        return (a * F.leaky_relu(query.unsqueeze(1) + keys, 0.2)).sum(dim=-1)

    def looped(query, keys, a):
        return torch.tensor([[float(F.leaky_relu(q + k, 0.2) @ a) for k in keys] for q in query])

    assert diagnose("06_dynamic_scores", summed) == "correct."
    assert diagnose("06_dynamic_scores", looped) == "correct."


def test_layers_may_be_counted_with_powers_of_a_matrix_or_by_recursion():
    def spread(rows):
        return max((a - b).abs().max().item() for a in rows for b in rows)

    def by_powers(features, mask, share):
        mean = mask / mask.sum(dim=1, keepdim=True)
        counts = range(200)
        return next(n for n in counts if spread(mean.matrix_power(n) @ features) <= share * spread(features))

    def by_recursion(features, mask, share, first=None):
        first = first or spread(features)
        if spread(features) <= share * first:
            return 0
        averaged = torch.stack([features[row].mean(dim=0) for row in mask])
        return 1 + by_recursion(averaged, mask, share, first)

    assert diagnose("06_layers_until_alike", by_powers) == "correct."
    assert diagnose("06_layers_until_alike", by_recursion) == "correct."


def test_a_softmax_over_edges_may_loop_over_nodes_or_use_a_table():
    def loop(scores, sources, targets, n_nodes):
        weights = torch.zeros_like(scores)
        for node in range(n_nodes):
            weights[targets == node] = scores[targets == node].softmax(dim=0)
        return weights

    def table(scores, sources, targets, n_nodes):
        mine = targets[:, None] == targets[None, :]
        return torch.stack(
            [torch.where(mine, s, -torch.inf).softmax(dim=1).diagonal() for s in scores.double().T], dim=1
        )

    assert diagnose("06_edge_softmax", loop) == "correct."
    assert diagnose("06_edge_softmax", table) == "correct."
