"""What a learner writes in a hurry: a return in the loop, an axis forgotten, arguments exchanged."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from course_utils.attention import attend, zero_score
from tests.answers import UNNAMED, wrong

LOW = torch.finfo(torch.float32).min
P = "00_practice"


@wrong(P, "return")
def _(scores, values):
    w = torch.softmax(scores, 0)
    w @ values


@wrong(P, "axis|wrong|components|raise|size")
def _(scores, values):
    return torch.softmax(scores, 0) * values


@wrong(P, "max|normali|sum|exp")
def _(scores, values):
    e = torch.exp(scores - scores.max())
    return e / e.max() @ values


@wrong(P, "first|start|last|range|loop|index|slip|one|left out")
def _(scores, values):
    out = torch.zeros(values.shape[1])
    w = scores.softmax(0)
    for i in range(len(scores) - 1):
        out += w[i] * values[i]
    return out


P = "01_last_state"


@wrong(P, "1|one|early|axis|lengths|last")
def _(states, lengths):
    out = torch.zeros(states.shape[0], states.shape[2])
    for i in range(len(lengths)):
        out[i] = states[i][-1]
    return out


@wrong(P, "same|one|every|loop|last|row")
def _(states, lengths):
    for s, n in zip(states, lengths):
        out = s[n - 1]
    return out


@wrong(P, UNNAMED)
def _(states, lengths):
    return [s[n - 1] for s, n in zip(states, lengths)]


@wrong(P, "gather|component|axis|same|first|expand")
def _(states, lengths):
    return states.gather(1, (lengths - 1)[:, None, None])[:, 0]


@wrong(P, "until|up to|all|slice|padding|sum|zero|raise|shape|size")
def _(states, lengths):
    return torch.stack([s[:n] for s, n in zip(states, lengths)])


P = "01_mixed_batch"


@wrong(P, "state|carr|U|memory|previous|zero|start")
def _(inputs, W, U):
    states = torch.zeros(*inputs.shape[:2], len(U))
    for t in range(1, inputs.shape[1]):
        states[:, t] = torch.tanh(inputs[:, t] @ W.T + states[:, t - 1] @ U.T)
    return states


@wrong(P, "state|batch|sentence|sum|row|influence")
def _(inputs, W, U):
    h = torch.zeros(len(U))
    out = []
    for t in range(inputs.shape[1]):
        h = torch.tanh(inputs[:, t] @ W.T + h @ U.T)
        out.append(h)
        h = h.mean(0)
    return torch.stack(out, 1)


@wrong(P, "U|transpos|W|raise|shape|size")
def _(inputs, W, U):
    h = torch.zeros(len(inputs), len(U))
    out = []
    for x in inputs.unbind(1):
        h = torch.tanh(x @ W + h @ U)
        out.append(h)
    return torch.stack(out, 1)


@wrong(P, UNNAMED)
def _(inputs, W, U):
    h = torch.zeros(len(inputs), len(U))
    out = []
    for x in inputs.unbind(1):
        h = torch.tanh(x @ W.T) + h @ U.T
        out.append(torch.tanh(h))
    return torch.stack(out, 1)


@wrong(P, UNNAMED)
def _(inputs, W, U):
    return nn.RNN(W.shape[1], len(W), batch_first=True)(inputs)[0]


P = "01_masked_loss"


@wrong(P, UNNAMED)
def _(logits, target, mask):
    return F.cross_entropy(logits.mT, target, reduction="sum") / mask.sum()


@wrong(P, "first|longest|sentence|mean of|every|weigh|average")
def _(logits, target, mask):
    return torch.stack([F.cross_entropy(l[m], t[m]) for l, t, m in zip(logits, target, mask)]).mean()


@wrong(P, "softmax|log|exp|normal")
def _(logits, target, mask):
    p = logits.exp()
    return -(p.gather(2, target[..., None])[..., 0][mask]).log().mean()


@wrong(P, "raise|shape|expected|axis")
def _(logits, target, mask):
    return F.cross_entropy(logits, target)


@wrong(P, "NaN|inf|infinit|log")
def _(logits, target, mask):
    p = logits.softmax(-1).gather(2, target[..., None])[..., 0]
    return -(p * mask).log().sum() / mask.sum()


P = "01_greedy"


@wrong(P, UNNAMED)
def _(step, state, max_words):
    word, said = 1, []
    for _ in range(max_words):
        logits, state = step(word, state)
        word = logits.argmax().item()
        said.append(word)
        return said


@wrong(P, "eos|end|includ|before|mark")
def _(step, state, max_words):
    word, said = 1, []
    while word != 2 and len(said) < max_words:
        logits, state = step(word, state)
        word = logits.argmax().item()
        if word != 2:
            said.append(word)
    return said


@wrong(P, UNNAMED)
def _(step, state, max_words):
    word, said = 1, []
    for _ in range(max_words):
        logits, state = step(word, state)
        word = torch.distributions.Categorical(logits=logits).sample().item()
        said.append(word)
        if word == 2:
            break
    return said


@wrong(P, UNNAMED)
def _(step, state, max_words):
    word = 1
    for _ in range(max_words):
        logits, state = step(word, state)
        word = logits.argmax().item()
        if word == 2:
            break
    return word


@wrong(P, "logits|state|raise|unpack|order")
def _(step, state, max_words):
    word, said = 1, []
    for _ in range(max_words):
        state, logits = step(word, state)
        word = logits.argmax().item()
        said.append(word)
        if word == 2:
            break
    return said


P = "02_additive_score"


@wrong(P, "raise|shape|size")
def _(keys, query, W, U, v):
    return torch.tanh(W @ query + U @ keys) @ v


@wrong(P, "W|U|exchang|raise|size")
def _(keys, query, W, U, v):
    return torch.tanh((query @ U.T)[:, None] + (keys @ W.T)[None]) @ v


@wrong(P, "axis|order|transpos|row")
def _(keys, query, W, U, v):
    out = torch.zeros(len(keys), len(query))
    for i, q in enumerate(query):
        for j, k in enumerate(keys):
            out[j, i] = v @ torch.tanh(W @ q + U @ k)
    return out


@wrong(P, UNNAMED)
def _(keys, query, W, U, v):
    return torch.tanh(keys @ U.T) @ v + (query @ W.T @ v)[:, None]


@wrong(P, "query|mean|average|all")
def _(keys, query, W, U, v):
    return (torch.tanh((query.mean(0) @ W.T) + keys @ U.T) @ v).expand(len(query), -1)


P = "02_softmax_axis"


@wrong(P, "axis|queries|fault|key")
def _(query, keys, values, mask):
    s = (query @ keys.mT).masked_fill(~mask[:, None], -1e9)
    w = torch.softmax(s, dim=-2)
    return w @ values, w


@wrong(P, "mask|shape|raise|size")
def _(query, keys, values, mask):
    s = (query @ keys.mT).masked_fill(~mask[:, :, None], -1e9)
    w = s.softmax(-1)
    return w @ values, w


@wrong(P, "√|scale")
def _(query, keys, values, mask):
    c = F.scaled_dot_product_attention(query, keys, values, attn_mask=mask[:, None])
    w = F.scaled_dot_product_attention(
        query, keys, torch.eye(keys.shape[1]).expand(len(query), -1, -1), attn_mask=mask[:, None]
    )
    return c.nan_to_num(), w.nan_to_num()


@wrong(P, "transpos|weights|one row|k_len")
def _(query, keys, values, mask):
    s = (keys @ query.mT).masked_fill(~mask[:, :, None], LOW)
    w = s.softmax(1) * mask[:, :, None]
    return w.mT @ values, w


@wrong(P, "sum to one|normal|below|softmax|weights|after")
def _(query, keys, values, mask):
    w = (query @ keys.mT).softmax(-1) * mask[:, None]
    w = w / (w.sum(-1, keepdim=True) + 1)
    return w @ values, w


P = "02_decoder_step"


@wrong(P, "axis|shape|raise|size|dim")
def _(word, state, states, mask, score, cell):
    w = score(states, state).softmax(-1)
    c = w @ states
    return cell(torch.cat([word, c], 1), state), w


@wrong(P, "axis|weights|length 1|shape")
def _(word, state, states, mask, score, cell):
    c, w = attend(state[:, None], states, states, score, mask[:, None])
    return cell(torch.cat([word, c.squeeze()], -1), state), w


@wrong(P, "raise|state|argument|order|cell|size")
def _(word, state, states, mask, score, cell):
    c, w = attend(state[:, None], states, states, score, mask[:, None])
    return cell(state, torch.cat([word, c[:, 0]], 1)), w[:, 0]


@wrong(P, "cell|word|size|raise|context|input")
def _(word, state, states, mask, score, cell):
    c, w = attend(state[:, None], states, states, score, mask[:, None])
    return cell(word, state), w[:, 0]


@wrong(P, "exchang|raise|score|keys|query|order|size")
def _(word, state, states, mask, score, cell):
    w = score(state[:, None], states)[..., 0].masked_fill(~mask, LOW).softmax(-1) * mask
    c = torch.einsum("bl,bld->bd", w, states)
    return cell(torch.cat([word, c], 1), state), w


P = "02_blind_look"


@wrong(P, "W|raise|size|shape|transpos")
def _(embedded, state, states, W):
    q = torch.cat([embedded, state], 1) @ W
    w = (states @ q[..., None]).squeeze(-1).softmax(-1)
    return (w[..., None] * states).sum(1), w


@wrong(P, "state|embedded|word|takes no part|alone|order|exchang|add")
def _(embedded, state, states, W):
    q = state @ W[:, embedded.shape[1] :].T
    w = (states * q[:, None]).sum(-1).softmax(-1)
    return torch.einsum("bk,bkd->bd", w, states), w


@wrong(P, "axis|length one|1|component|key|softmax")
def _(embedded, state, states, W):
    q = torch.cat([embedded, state], 1) @ W.T
    s = states @ q[:, :, None]
    w = s.softmax(2)
    return (w * states).sum(1), w[:, :, 0]


@wrong(P, "states|keys|sum|mean|each|same|equal|look|blind|takes no part|scores")
def _(embedded, state, states, W):
    q = torch.cat([embedded, state], 1) @ W.T
    s = (q[:, None] * states.mean(1, keepdim=True)).sum(-1).expand(-1, states.shape[1])
    w = s.softmax(1)
    return (w[..., None] * states).sum(1), w


@wrong(P, "batch|rows|axis|raise|all")
def _(embedded, state, states, W):
    q = torch.cat([embedded, state], 1) @ W.T
    w = (q @ states.mT).softmax(-1)
    return (w @ states)[:, 0], w[:, 0]


P = "02_unreachable_key"
wrong(
    P,
    "looked up|query|between|copy|box|hull|longer",
    lambda keys: keys.min(0).values - 1,
    lambda keys: torch.rand_like(keys[0]) * 0,
    lambda keys: keys.mean(0) * len(keys),
    lambda keys: keys[-1] - keys[0],
    lambda keys: keys.mean(0).round(),
)
P = "03_learned_query"


@wrong(P, "W|transpos|raise|size|shape")
def _(states, mask, W, b, u):
    s = torch.tanh(states @ W + b) @ u
    w = s.masked_fill(~mask, LOW).softmax(1) * mask
    return (w[..., None] * states).sum(1)


@wrong(P, "mask|bias|zero|before|padding|states")
def _(states, mask, W, b, u):
    h = torch.tanh(states @ W.T + b) * mask[..., None]
    w = (h @ u).softmax(1)
    return torch.einsum("bl,bld->bd", w, states * mask[..., None])


@wrong(P, UNNAMED)
def _(states, mask, W, b, u):
    h = torch.tanh(states @ W.T + b) * u
    w = h.softmax(1).sum(-1)
    return torch.einsum("bl,bld->bd", w * mask, states)


@wrong(P, "large|average|empty")
def _(states, mask, W, b, u):
    s = torch.tanh(F.linear(states, W, b)) @ u
    s[~mask] = -9999
    return torch.bmm(s.softmax(-1)[:, None], states)[:, 0]


@wrong(P, "axis|length 1|shape")
def _(states, mask, W, b, u):
    s = torch.tanh(F.linear(states, W, b)) @ u
    w = s.masked_fill(~mask, LOW).softmax(1) * mask
    return torch.bmm(w[:, None], states)


P = "03_delete_top"


def D(pick):
    return lambda decide, documents, weights, share: (
        (decide([d[pick(d, w, math.ceil(share * len(d)))] for d, w in zip(documents, weights)]) != decide(documents))
        .float()
        .mean()
    )


wrong(P, "smallest|least|sort|way", D(lambda d, w, n: w.sort().indices[n:].sort().values))
wrong(P, "keep|top|delete|other", D(lambda d, w, n: w.sort(descending=True).indices[:n].sort().values))
wrong(P, "order", D(lambda d, w, n: w.topk(len(w) - n, largest=False).indices))


@wrong(P, UNNAMED)
def _(decide, documents, weights, share):
    t = torch.cat(list(weights)).sort(descending=True).values
    cut = t[math.ceil(share * len(t)) - 1]
    return (
        (decide([d[w < cut] if (w < cut).any() else d for d, w in zip(documents, weights)]) != decide(documents))
        .float()
        .mean()
    )


@wrong(P, UNNAMED)
def _(decide, documents, weights, share):
    n = 0
    for d, w in zip(documents, weights):
        k = math.ceil(share * len(d))
        n += decide([d[w.argsort(descending=True)[k:].sort().values]]) != decide([d])
        return n / len(documents)


P = "03_other_weights"


@wrong(P, "sum")
def _(states, weights):
    change = torch.linalg.svd(states.T).Vh[-1]
    step = (weights / -change)[change < 0].min()
    return weights + step * change


@wrong(P, "negative|too far")
def _(states, weights):
    E = torch.cat([states.T, torch.ones(1, len(states))])
    change = torch.linalg.svd(E).Vh[-1]
    return weights + (weights / change.abs()).max() * change


@wrong(P, "vector|state|average")
def _(states, weights):
    other = weights.clone()
    other[0] += other[1].item()
    other[1] = 0
    return other


wrong(P, "vector|away|given|order", lambda s, w: w.sort(descending=True).values, lambda s, w: w.softmax(0))
wrong(P, UNNAMED, lambda s, w: weights_of_nothing(s, w))


def weights_of_nothing(states, weights):
    return (weights @ states)[None]


P = "03_indifferent_query"
wrong(
    P,
    "weights|scores|prefer|near|same|right direction|query|component|shape",
    lambda s, q: s - (s @ q)[:, None] * q / q.norm(),
    lambda s, q: s - q[None] * (s * q).mean(1, keepdim=True),
    lambda s, q: s - (s @ F.normalize(q, dim=0))[:, None],
)
wrong(P, UNNAMED, lambda s, q: s.abs(), lambda s, q: torch.randn_like(s) * 0 + torch.arange(len(s))[:, None])
P = "04_causal_convolution"


@wrong(P, "one|longer|zero|too many|front")
def _(x, w, d):
    return (
        F.conv1d(F.pad(x, (w.shape[2], 0)), w, dilation=1)
        if d == 1
        else F.conv1d(F.pad(x, (d * w.shape[2] - 1, 0)), w, dilation=d)
    )


@wrong(P, "front|batch|axis|length|raise|size|shape|channel")
def _(x, w, d):
    return F.conv1d(torch.cat([torch.zeros(len(x), d * (w.shape[2] - 1), x.shape[2]), x], 1), w, dilation=d)


@wrong(P, "future|both|centre|half|behind|look")
def _(x, w, d):
    return F.conv1d(x, w, padding=d * (w.shape[2] - 1) // 2, dilation=d)


@wrong(P, "flip|order|tap|last|first")
def _(x, w, d):
    out = torch.zeros(len(x), len(w), x.shape[2])
    p = F.pad(x, (d * (w.shape[2] - 1), 0))
    for k in range(w.shape[2]):
        out += torch.einsum("oi,bil->bol", w[:, :, -1 - k], p[:, :, k * d : k * d + x.shape[2]])
    return out


@wrong(P, "dilation|tap|contig|gap|d ")
def _(x, w, d):
    out = torch.zeros(len(x), len(w), x.shape[2])
    for i in range(x.shape[2]):
        for k in range(w.shape[2]):
            if i - k >= 0:
                out[:, :, i] += x[:, :, i - k] @ w[:, :, -1 - k].T
    return out


P = "04_marker_filters"


@wrong(P, "negative|positive|marker|fire|same")
def _(n):
    f = torch.zeros(4, n + 4, 3)
    f[:, n:] = torch.eye(4)[:, :, None]
    return f, -torch.ones(4), 1.5


@wrong(P, "negative|positive|marker|between|sides|bias")
def _(n):
    f = torch.zeros(4, n + 4, 3)
    f[range(4), range(n, n + 4), 0] = 1
    return f, torch.ones(4), 0.5


@wrong(P, "shape|filters|one number")
def _(n):
    f = torch.zeros(4, n + 4, 3)
    f[range(4), range(n, n + 4), 0] = 1
    return f, -torch.ones(n + 4), 1.5


@wrong(P, "raise|size|index|one|word")
def _(n):
    f = torch.zeros(4, n + 4, 3)
    f[range(4), range(n + 1, n + 5), 0] = 1
    return f, -torch.ones(4), 1.5


P = "04_twins"
wrong(
    P,
    "window|word|list|same|end",
    lambda w: ([w[0], w[1]], [w[0], w[1], w[0]]),
    lambda w: ([w[0], w[1], w[0], w[2]], [w[0], w[2], w[0], w[1]]),
    lambda w: (w, w + [w[-1]]),
    lambda w: ([w[0]], [w[1]]),
)
P = "05_cross_attention"


@wrong(P, "transpos|raise|size|shape")
def _(x, memory, W_Q, W_K, W_V):
    q, k, v = x @ W_Q, memory @ W_K, memory @ W_V
    w = (q @ k / math.sqrt(q.shape[1])).softmax(-1)
    return w @ v, w


@wrong(P, "memory|x|keys|self|values")
def _(x, memory, W_Q, W_K, W_V):
    q, k, v = x @ W_Q, memory @ W_K, memory @ W_V
    w = (k @ q.T / math.sqrt(q.shape[1])).softmax(0).T
    return (w @ v, (k @ q.T).softmax(0).T)


@wrong(P, "scale|√|q|part|divide|precede|tgt|wrong axis|query")
def _(x, memory, W_Q, W_K, W_V):
    q, k, v = x @ W_Q, memory @ W_K, memory @ W_V
    w = (q @ k.T / math.sqrt(len(x))).softmax(-1)
    return w @ v, w


@wrong(P, "axis|target|queries|column|sum")
def _(x, memory, W_Q, W_K, W_V):
    q, k, v = x @ W_Q, memory @ W_K, memory @ W_V
    w = F.softmax(q @ k.T / math.sqrt(W_K.shape[1]), dim=0)
    return w @ v, w


@wrong(P, "scores|softmax|weights|second")
def _(x, memory, W_Q, W_K, W_V):
    q, k, v = x @ W_Q, memory @ W_K, memory @ W_V
    w = q @ k.T / math.sqrt(W_K.shape[1])
    return w.softmax(1) @ v, w


P = "05_who_sees_whom"


@wrong(P, "row|word|output|shape|whole|changed|all")
def _(attention, x):
    b = attention(x)
    m = torch.zeros(len(x), len(x), dtype=torch.bool)
    for j in range(len(x)):
        c = x.clone()
        c[j] += 1
        m[:, j] = bool((attention(c) != b).any())
    return m


@wrong(P, "transpos|row|column|exchang")
def _(attention, x):
    b = attention(x)
    m = torch.zeros(len(x), len(x), dtype=torch.bool)
    for j in range(len(x)):
        c = x.clone()
        c[j] = 0
        m[j] = (attention(c) != b).any(-1)
    return m


@wrong(P, "change|same|copy|argument|False|before")
def _(attention, x):
    m = torch.zeros(len(x), len(x), dtype=torch.bool)
    for j in range(len(x)):
        c = x
        c[j] = 0
        m[:, j] = (attention(c) != attention(x)).any(-1)
    return m


@wrong(P, "equal|invert|True|same|exchang")
def _(attention, x):
    b = attention(x)
    return torch.stack(
        [
            torch.tensor(
                [
                    torch.equal(attention(torch.where(torch.arange(len(x))[:, None] == j, 0.0, x))[i], b[i])
                    for i in range(len(x))
                ]
            )
            for j in range(len(x))
        ],
        1,
    )


@wrong(P, UNNAMED)
def _(attention, x):
    b = attention(x)
    m = torch.zeros(len(x), len(x), dtype=torch.bool)
    for j in range(len(x)):
        c = x.clone()
        c[j] = 0
        d = (attention(c) != b).any(-1)
        m[: j + 1, j] = d[: j + 1]
    return m


P = "05_mask_of_last"
wrong(P, "itself|one|see", lambda q, k: torch.tensor([[j < k - q + i for j in range(k)] for i in range(q)]))
wrong(
    P,
    "future|all|every|last|True|one row|triangle|corner|first|Your queries see only ",
    lambda q, k: torch.cat([torch.ones(q, k - q), torch.ones(q, q)], 1).bool(),
    lambda q, k: torch.cat([torch.zeros(q, k - q), torch.ones(q, q).tril()], 1).bool(),
)
wrong(P, UNNAMED, lambda q, k: torch.cat([torch.ones(q, q).tril(), torch.ones(q, k - q)], 1).bool())
wrong(
    P,
    "True and False|mask|bool|inverted|hidden|exchanged",
    lambda q, k: nn.Transformer.generate_square_subsequent_mask(k)[-q:],
)
P = "05_rotate"


@wrong(P, "overwrit|old|after|new|in place|argument|copy|both")
def _(x, turn):
    x = x.clone()
    a = torch.arange(len(x))[:, None] * turn
    x[:, ::2] = x[:, ::2] * a.cos() - x[:, 1::2] * a.sin()
    x[:, 1::2] = x[:, ::2] * a.sin() + x[:, 1::2] * a.cos()
    return x


@wrong(P, "raise|size|shape|pair|axis")
def _(x, turn):
    a = torch.arange(len(x)) * turn
    return x * a.cos() + x * a.sin()


@wrong(P, UNNAMED)
def _(x, turn):
    a = (torch.arange(len(x))[:, None] * turn).repeat(1, 2)
    r = torch.stack([-x[:, 1::2], x[:, ::2]], -1).flatten(1)
    return x * a.cos() + r * a.sin()


@wrong(P, "sign|minus|direction|other way|clock")
def _(x, turn):
    a = (torch.arange(len(x))[:, None] * turn).repeat_interleave(2, 1)
    r = torch.stack([x[:, 1::2], -x[:, ::2]], -1).flatten(1)
    return x * a.cos() + r * a.sin()


@wrong(P, UNNAMED)
def _(x, turn):
    out = x.clone()
    for t in range(1, len(x)):
        for i in range(len(turn)):
            c, s = math.cos((t - 1) * turn[i]), math.sin((t - 1) * turn[i])
            out[t, 2 * i], out[t, 2 * i + 1] = (
                x[t, 2 * i] * c - x[t, 2 * i + 1] * s,
                x[t, 2 * i] * s + x[t, 2 * i + 1] * c,
            )
    return out


P = "05_cached_step"


@wrong(P, "raise|size|dim|shape")
def _(x, W_Q, W_K, W_V, keys, values):
    k, v = torch.cat([keys, x @ W_K]), torch.cat([values, x @ W_V])
    return (k @ (x @ W_Q)).softmax(0) @ v, k, v


@wrong(P, "order|context|first|three")
def _(x, W_Q, W_K, W_V, keys, values):
    k, v = torch.vstack([keys, x @ W_K]), torch.vstack([values, x @ W_V])
    return k, v, (k @ (x @ W_Q) / k.shape[1] ** 0.5).softmax(0) @ v


@wrong(P, "value|cache|old|longer|newest|raise|size|left out|In result 3 of 3: Alon")
def _(x, W_Q, W_K, W_V, keys, values):
    k = torch.vstack([keys, x @ W_K])
    w = (k @ (x @ W_Q) / k.shape[1] ** 0.5).softmax(0)
    return w @ torch.vstack([values, x @ W_V]), k, values


@wrong(P, "√|scale|root|t|length|rows|number of keys")
def _(x, W_Q, W_K, W_V, keys, values):
    k, v = torch.vstack([keys, x @ W_K]), torch.vstack([values, x @ W_V])
    return (k @ (x @ W_Q) / math.sqrt(k.shape[0])).softmax(0) @ v, k, v


@wrong(P, "axis|length 1|shape|context")
def _(x, W_Q, W_K, W_V, keys, values):
    k, v = torch.vstack([keys, x @ W_K]), torch.vstack([values, x @ W_V])
    return F.scaled_dot_product_attention((x @ W_Q)[None], k, v), k, v


P = "06_update_all"


def U(f):
    def g(s, t, n, v, aq, ak):
        m, c = torch.zeros_like(v), torch.zeros_like(v)
        for i in range(n):
            e = (t == i).nonzero()[:, 0]
            if len(e):
                m[i], c[i] = f(v, s[e], i, aq, ak)
        return m, c

    return g


lr = lambda x: F.leaky_relu(x, 0.2)
wrong(
    P,
    "own|asks|end|query|start|target|takes no part|value",
    U(lambda v, j, i, aq, ak: (v[j].mean(0), lr(v[i] @ aq + v[j] @ ak).softmax(0) @ v[i].expand(len(j), -1))),
)
wrong(
    P,
    "exchang|a_query|a_key|asks",
    U(lambda v, j, i, aq, ak: (v[j].mean(0), lr(v[i] @ ak + v[j] @ aq).softmax(0) @ v[j])),
)
wrong(
    P,
    "twice|two|LeakyReLU|again",
    U(lambda v, j, i, aq, ak: (v[j].mean(0), lr(lr(v[i] @ aq + v[j] @ ak)).softmax(0) @ v[j])),
)
wrong(P, UNNAMED, U(lambda v, j, i, aq, ak: (v[j].mean(0), (lr(v[i]) @ aq + lr(v[j]) @ ak).softmax(0) @ v[j])))


@wrong(P, "raise|Error|count|NaN|zero")
def _(s, t, n, v, aq, ak):
    m = torch.zeros_like(v).index_add(0, t, v[s]) / t.bincount()[:, None]
    return m, m


P = "06_edge_softmax"


@wrong(P, "raise|size|shape|axis")
def _(scores, sources, targets, n_nodes):
    e = scores.exp()
    z = torch.zeros(n_nodes).index_add(0, targets, e)
    return e / z[targets]


@wrong(P, "head|sum|together|one")
def _(scores, sources, targets, n_nodes):
    e = (scores - scores.max()).double().exp()
    z = torch.zeros(n_nodes).double().index_add(0, targets, e.sum(1))
    return e / z[targets, None]


@wrong(P, "repeated|last|add|one edge")
def _(scores, sources, targets, n_nodes):
    e = scores.exp()
    z = torch.zeros(n_nodes, scores.shape[1])
    z[targets] += e
    return e / z[targets]


@wrong(P, "target|sources|edges|group|node|equal|in order|both|pair")
def _(scores, sources, targets, n_nodes):
    out = torch.zeros_like(scores)
    for i in range(n_nodes):
        m = (targets == i) | (sources == i)
        if m.any():
            out[m] = scores[m].softmax(0)
    return out


@wrong(P, UNNAMED)
def _(scores, sources, targets, n_nodes):
    return (scores - scores.amax(0)).exp() / torch.bincount(targets, minlength=n_nodes)[targets, None]


P = "06_layers_until_alike"


def L(spread=lambda x: (x.amax(0) - x.amin(0)).max(), step=lambda x, m: m / m.sum(1, keepdim=True) @ x):
    def f(features, mask, share):
        x = features
        for n in range(200):
            if spread(x) <= share * spread(features):
                return n
            x = step(x, mask)
        return 200

    return f


wrong(P, "one|count|before|look|too many|share", lambda f, m, s: L()(f, m, s) + (s < 1))
wrong(P, UNNAMED, L(spread=lambda x: (x - x.mean(0)).norm()))
wrong(P, UNNAMED, L(step=lambda x, m: (x @ x.T).masked_fill(~m, -1e9).softmax(-1) @ x))


@wrong(P, UNNAMED)
def _(features, mask, share):
    first = (features.amax(0) - features.amin(0)).max()
    n = 0
    x = features
    while n < 100 and (x.amax(0) - x.amin(0)).max() > share * first:
        x = attend(features, features, features, zero_score, mask)[0]
        n += 1
    return n


P = "06_dynamic_scores"
wrong(P, "raise|size|shape|broadcast", lambda q, k, a: F.leaky_relu(q + k, 0.2) @ a)
wrong(P, "transpos|row|other way", lambda q, k, a: torch.stack([F.leaky_relu(q + r, 0.2) @ a for r in k]))
wrong(
    P, "a|LeakyReLU|first|before|multipl", lambda q, k, a: F.leaky_relu((q * a)[:, None] + (k * a)[None], 0.2).sum(-1)
)
wrong(P, "slope|0.01", lambda q, k, a: nn.LeakyReLU()(q[:, None] + k[None]) @ a)
wrong(
    P,
    "ReLU|LeakyReLU|sign|min|max|positive|bend",
    lambda q, k, a: (lambda p: torch.minimum(p, 0.2 * p) @ a)(q[:, None] + k),
)
for P, vs in {
    "01_gradient_left": (0.03, 1 / 16**2),
    "02_soft_dictionary": (14.4, 10),
    "03_document_twice": ((False, True, True, False, False), (True, True, False, True, True)),
    "03_two_levels": (("edges", 0.24, 2.0), ("the", 0.15, 1.0)),
    "04_layers_needed": ((25, 20), (33, 4)),
    "04_pairs_in_a_state": ((32, 16, 2048), (16, 64, 128)),
    "05_base_model": ((1048576, 2097152, 18874368, 1024), (1048576, 4194304, 56623104, 1024)),
    "06_who_ranks_differently": ((False, False, True, False, True, True), (True, True, True, True, True, False)),
    "06_good_advice": (("MLP", "MLP", "GAT"), ("GAT", "MLP", "both")),
    "01_pairs_of_words": (("dogs see cats see dogs", "cats see dogs see cats"), ("cats dogs see", "dogs see cats")),
}.items():
    wrong(P, ".", *vs)
