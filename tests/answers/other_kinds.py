"""Mistakes of other kinds than those of the first set."""

import math

import torch
from torch.nn import functional as F

from course_utils.attention import attend
from tests.answers import UNNAMED, wrong

LOW = torch.finfo(torch.float32).min
P = "00_practice"
wrong(P, "root|√|scale|divide|times `scores`", lambda s, v: (s / len(s) ** 0.5).softmax(0) @ v)
wrong(P, "values|sum|add|scores|all", lambda s, v: v.sum(0))
wrong(P, "absolute|sign", lambda s, v: F.normalize(s.abs(), p=1, dim=0) @ v)
wrong(P, "twice|two", lambda s, v: s.softmax(0).softmax(0) @ v)
wrong(P, "log", lambda s, v: F.log_softmax(s, 0) @ v)
wrong(P, "order|first|last", lambda s, v: s.softmax(0) @ v.flip(0))
P = "01_pairs_of_words"
wrong(
    P,
    ".",
    ("cats dogs cats", "dogs cats dogs"),
    ("cats see dogs birds", "birds see dogs cats"),
    ("see see cats", "see cats see"),
    ("cat sees dog sees cat", "dog sees cat sees dog"),
    ("cats, see, dogs, see, cats", "dogs, see, cats, see, dogs"),
    ("cats see dogs see", "see cats see dogs"),
)
P = "01_last_state"


@wrong(P, "last column|padding|zero")
def _(s, n):
    m = (torch.arange(s.shape[1]) < n[:, None]).float()
    return (s * m[..., None])[:, -1]


wrong(
    P, "argmax|largest|norm|length", lambda s, n: torch.stack([r[:k][r[:k].norm(dim=1).argmax()] for r, k in zip(s, n)])
)
wrong(P, "twice|half|middle|mean|You average the first ", lambda s, n: (s[range(len(s)), n - 1] + s[:, 0]) / 2)
wrong(P, "batch|row|own|first|component|axis", lambda s, n: s[torch.arange(len(s)), n - 1][:, :1])
wrong(P, "shuffl|order|sort", lambda s, n: torch.stack([s[i, n[i] - 1] for i in n.argsort()]))
wrong(P, "raise|index", lambda s, n: s[torch.arange(len(s)), n])
P = "01_mixed_batch"


def rnn(cell, start=None, out=lambda o, x, U: torch.stack(o, 1), order=lambda r: r):
    def f(x, W, U):
        h = torch.zeros(len(x), len(U)) if start is None else start(x, W, U)
        o = []
        for w in order(list(x.unbind(1))):
            h = cell(w, h, W, U)
            o.append(h)
        return out(o, x, U)

    return f


step = lambda w, h, W, U: torch.tanh(w @ W.T + h @ U.T)
wrong(P, "backward|opposite|end|revers|order", rnn(step, order=lambda r: r[::-1]))
wrong(P, "start|h_0|h₀|zero|one", rnn(step, start=lambda x, W, U: torch.ones(len(x), len(U))))
wrong(P, UNNAMED, rnn(step, start=lambda x, W, U: torch.randn(len(x), len(U))))
wrong(P, "mean|average|GRU|half|leak|mix", rnn(lambda w, h, W, U: 0.5 * h + 0.5 * step(w, h, W, U)))
wrong(P, "two|twice|tanh", rnn(lambda w, h, W, U: torch.tanh(w @ W.T + torch.tanh(h @ U.T))))
wrong(P, "cat|axis|shape|stack|join", rnn(step, out=lambda o, x, U: torch.cat(o, 0)))
P = "01_masked_loss"
wrong(P, "max|largest|sentence", lambda l, t, m: F.cross_entropy(l[m], t[m], reduction="none").max())
wrong(P, "label|smooth|target", lambda l, t, m: F.cross_entropy(l[m], t[m], label_smoothing=0.1))
wrong(
    P,
    "1|eps|count|divide|below",
    lambda l, t, m: (F.cross_entropy(l.mT, t, reduction="none") * m).sum() / (m.sum() + 1),
)
wrong(P, "first sentence|one sentence|all", lambda l, t, m: F.cross_entropy(l[0][m[0]], t[0][m[0]]))
wrong(
    P,
    "sigmoid|binary|softmax",
    lambda l, t, m: F.binary_cross_entropy_with_logits(l[m], F.one_hot(t[m], l.shape[-1]).float()),
)
P = "01_greedy"


def dec(pick=lambda l: int(l.argmax()), first=1, n=lambda m: m, feed=lambda w, l: w, stop=(2,)):
    def f(step, state, max_words):
        w, said = first, []
        for _ in range(n(max_words)):
            l, state = step(feed(w, l) if said else w, state)
            w = pick(l)
            said.append(w)
            if w in stop:
                break
        return said

    return f


wrong(P, "second|best|largest|probable", dec(lambda l: int(l.topk(2).indices[1])))
wrong(P, "max_words|one|few|short", dec(n=lambda m: m - 1))
wrong(P, "end mark|eos|begin|stop|after", dec(stop=(1,)))
wrong(P, "absolute|largest|sign", dec(lambda l: int(l.abs().argmax())))
wrong(P, UNNAMED, dec(feed=lambda w, l: (w + 1) % len(l)))
P = "01_gradient_left"
wrong(P, ".", 2.0, 1 / 32, -0.0625, (0.0625,), 0.06, 1 / 8 + 2)
P = "02_soft_dictionary"
wrong(P, ".", 13.5, 12.9, 84, 6 / 16 + 12 + 30 / 16, 14.2, [14])
P = "02_additive_score"
ad = lambda f: lambda k, q, W, U, v: f((q @ W.T)[:, None], (k @ U.T)[None], v)
wrong(
    P,
    "concat|half|axis|add|parts",
    ad(
        lambda q, k, v: (
            torch.tanh(torch.cat([q.expand(-1, k.shape[1], -1), k.expand(q.shape[0], -1, -1)], -1)) @ torch.cat([v, v])
        )
    ),
)
wrong(P, "W|U|project", lambda k, q, W, U, v: torch.tanh((q @ W.T)[:, None] + (k @ U.T)[None]) @ v + 1)
wrong(
    P,
    "first|query|own",
    lambda k, q, W, U, v: (torch.tanh((q[:1] @ W.T)[:, None] + (k @ U.T)[None]) @ v).expand(len(q), -1),
)
wrong(P, UNNAMED, ad(lambda q, k, v: torch.tanh((q + k) / len(v) ** 0.5) @ v))
wrong(P, "v|absolute|sign|relu|ReLU", ad(lambda q, k, v: torch.tanh(q + k) @ v.abs()))
wrong(P, "mean|subtract|centre", ad(lambda q, k, v: (lambda s: s - s.mean(1, keepdim=True))(torch.tanh(q + k) @ v)))
P = "02_softmax_axis"


def row(
    score=lambda q, k: q @ k.mT,
    weigh=lambda s, m: s.masked_fill(~m[:, None], LOW).softmax(-1) * m[:, None],
    out=lambda w, v, k: (w @ v, w),
):
    return lambda q, k, v, m: out(weigh(score(q, k), m), v, k)


wrong(
    P,
    "queries|mask|keys|rows|Right but for the sent",
    row(weigh=lambda s, m: s.masked_fill(~m[:, None], LOW).softmax(-1)),
)
wrong(P, "mean|divide|length", row(out=lambda w, v, k: ((w[..., None] * v[:, None]).mean(2), w)))
wrong(
    P,
    "clamp|1e|less than one|sum",
    row(weigh=lambda s, m: (lambda e: e / (e.sum(-1, keepdim=True) + 1e-1))(s.exp() * m[:, None])),
)
wrong(P, "normali|exponent|sum", row(weigh=lambda s, m: s.exp() * m[:, None]))
wrong(P, "batch|mixed|view|reshape", row(score=lambda q, k: (k @ q.mT).reshape(len(q), q.shape[1], k.shape[1])))
wrong(
    P,
    "nan|empty|without words|average",
    row(weigh=lambda s, m: torch.where(m[:, None], s, torch.tensor(-1e4)).softmax(-1)),
)
P = "02_decoder_step"


def ds(look=None, inp=lambda w, c, s: torch.cat([w, c], 1), upd=None, out=lambda n, w, c: (n, w)):
    def f(word, state, states, mask, score, cell):
        c, w = (
            attend(state[:, None], states, states, score, mask[:, None])
            if look is None
            else look(state, states, mask, score)
        )
        c, w = c[:, 0], w[:, 0]
        return out(cell(inp(word, c, state), state), w, c)

    return f


wrong(P, UNNAMED, ds(out=lambda n, w, c: (n, c, w)))
wrong(P, "context|weights|result 2", ds(out=lambda n, w, c: (n, c)))
wrong(P, "add|concat|raise|shape|size", ds(inp=lambda w, c, s: w + c))
wrong(
    P,
    "half|√|scale",
    ds(look=lambda s, st, m, sc: attend(s[:, None], st, st, lambda k, q: sc(k, q) / st.shape[-1] ** 0.5, m[:, None])),
)
wrong(P, "tanh", ds(look=lambda s, st, m, sc: attend(s[:, None], st, st, lambda k, q: sc(k, q).tanh(), m[:, None])))
wrong(P, "word|context|zero|twice|half|scal", ds(inp=lambda w, c, s: torch.cat([w, 2 * c], 1)))
P = "02_blind_look"


def lk(
    score=lambda q, st: (st * q[:, None]).sum(2),
    w=lambda s: s.softmax(1),
    out=lambda w, st: ((w[..., None] * st).sum(1), w),
    q=lambda e, s, W: torch.cat([e, s], 1) @ W.T,
):
    return lambda e, s, st, W: out(w(score(q(e, s, W), st)), st)


wrong(P, "normal|length|one", lk(q=lambda e, s, W: F.normalize(torch.cat([e, s], 1) @ W.T, dim=1)))
wrong(P, "transpos|batch|axis|all", lk(score=lambda q, st: torch.einsum("bkd,cd->bk", st, q)))
wrong(P, "max|best|argmax|hard", lk(w=lambda s: F.one_hot(s.argmax(1), s.shape[1]).float()))
wrong(P, "temperature|times|2|scale|double|`W` counts twice\\.", lk(w=lambda s: (2 * s).softmax(1)))
wrong(P, "order|exchang", lk(out=lambda w, st: (w, (w[..., None] * st).sum(1))))
wrong(P, "sum|multiply|question|residual|add", lk(out=lambda w, st: ((w[..., None] * st).sum(1) + st[:, -1], w)))
P = "02_unreachable_key"
wrong(
    P,
    "looked up|query|copy|between|direction|scaled|times",
    lambda k: k.mean(0) + 0.5,
    lambda k: 1.5 * k[0],
    lambda k: (k[0] + k[1]) / 2 + k[0],
    lambda k: torch.full((k.shape[1],), -1e6),
    lambda k: k.std(0),
    lambda k: k.norm(dim=0),
)
P = "03_document_twice"
wrong(
    P,
    ".",
    (True, False, True, True, True),
    (False, True, False, False, False),
    (False, False, True, False, False),
    ("no", "yes", "yes", "yes", "yes"),
)
wrong(P, UNNAMED, (True, True, True, True, True, False))
P = "03_learned_query"


def pq(
    h=lambda s, W, b: torch.tanh(s @ W.T + b),
    read=lambda h, u: h @ u,
    w=lambda s, m: s.masked_fill(~m, LOW).softmax(1) * m,
    out=lambda w, s: (w[..., None] * s).sum(1),
):
    return lambda s, m, W, b, u: out(w(read(h(s, W, b), u), m), s)


wrong(P, "max|largest", pq(out=lambda w, s: (w[..., None] * s).amax(1)))
wrong(P, "bias|b|tanh", pq(h=lambda s, W, b: torch.tanh(s @ W.T) + b))
wrong(P, "relu|ReLU", pq(h=lambda s, W, b: F.relu(s @ W.T + b)))
wrong(P, "normal|softmax|sigmoid", pq(w=lambda s, m: s.sigmoid() * m))
wrong(P, "mean|divide|length|count", pq(out=lambda w, s: (w[..., None] * s).mean(1)))
wrong(P, "W|project|takes no part|transpos|softmax", pq(h=lambda s, W, b: torch.softmax(s @ W.T + b, -1)))
P = "03_two_levels"
wrong(
    P,
    ".",
    ("edges", 0.3, 1.0),
    ("graph", 0.24, 1.0),
    ("edges", 0.24, 6.0),
    ("edges", 24, 100),
    ("edges", 0.24, 0.9),
    ("Edge", 0.24, 1.0),
)
P = "03_delete_top"


def dl(pick, cmp=lambda a, b: (a != b).float().mean()):
    return lambda d, docs, ws, sh: cmp(d([x[pick(w, math.ceil(sh * len(x)))] for x, w in zip(docs, ws)]), d(docs))


kept = lambda w, n: w.argsort(descending=True)[n:].sort().values
wrong(P, "max|difference|classes|many|how", dl(kept, lambda a, b: (a - b).abs().float().mean()))
wrong(P, "order|revers|back", dl(lambda w, n: kept(w, n).flip(0)))
wrong(
    P,
    "one|more|too many",
    lambda d, docs, ws, sh: dl(lambda w, n: kept(w, n + 1) if n + 1 < len(w) else kept(w, n))(d, docs, ws, sh),
)
wrong(P, UNNAMED, dl(lambda w, n: torch.randperm(len(w))[n:].sort().values))
wrong(P, "percent|100|times|share", dl(kept, lambda a, b: 100 * (a != b).float().mean()))
wrong(P, UNNAMED, dl(kept, lambda a, b: bool((a != b).any())))
P = "03_other_weights"
wrong(
    P,
    "sum|negative|vector|given|lost|nothing",
    lambda s, w: 1 - w,
    lambda s, w: w * 2,
    lambda s, w: torch.linalg.lstsq(s.T, s.T @ w).solution,
    lambda s, w: w.pow(2) / w.pow(2).sum(),
    lambda s, w: (s @ (w @ s)).softmax(0),
)
wrong(P, UNNAMED, lambda s, w: w @ s, lambda s, w: s)
P = "03_indifferent_query"
wrong(
    P,
    "weights|scores|prefer|component|order|near|same|query",
    lambda s, q: s - s @ torch.outer(q, q),
    lambda s, q: -s,
    lambda s, q: s * 0.01,
    lambda s, q: s + 100,
)
wrong(
    P, UNNAMED, lambda s, q: s[torch.randperm(len(s))], lambda s, q: torch.cat([s[:, :-1], torch.zeros(len(s), 1)], 1)
)
P = "04_layers_needed"
wrong(P, ".", (21, 3), (34, 3), (25, 1), (99, 4), ("25", "3"), 25)
P = "04_causal_convolution"
wrong(
    P,
    "transpos|d_in|d_out|raise|size",
    lambda x, w, d: F.conv1d(F.pad(x, (d * (w.shape[2] - 1), 0)), w.transpose(0, 1), dilation=d),
)
wrong(
    P,
    "dilation|cut|end|length|You pad by k − 1 on bo",
    lambda x, w, d: F.conv1d(x, w, padding=w.shape[2] - 1, dilation=d)[..., : x.shape[2]],
)
wrong(
    P,
    "stride|every|left out|short",
    lambda x, w, d: F.conv1d(F.pad(x, (d * (w.shape[2] - 1), 0)), w, dilation=d, stride=2),
)
wrong(
    P,
    "ones|zero|front|sentence",
    lambda x, w, d: F.conv1d(F.pad(x, (d * (w.shape[2] - 1), 0), value=1.0), w, dilation=d),
)
wrong(
    P,
    "last|mirror|reflect|zeros|front",
    lambda x, w, d: F.conv1d(F.pad(x, (d * (w.shape[2] - 1), 0), mode="reflect"), w, dilation=d),
)
wrong(P, "relu|ReLU", lambda x, w, d: F.conv1d(F.pad(x, (d * (w.shape[2] - 1), 0)), w, dilation=d).relu())
P = "04_marker_filters"


def mf(f, w=-1.0, b=1.5):
    return lambda n: (f(n), w * torch.ones(len(f(n))), b)


def base4(n):
    f = torch.zeros(4, n + 4, 3)
    f[:, n:, 0] = torch.eye(4)
    return f


wrong(
    P,
    "negative|marker|fire|positive|word|Expected filters of sh",
    mf(lambda n: -base4(n)),
    mf(lambda n: base4(n) + 0.3),
    mf(base4, b=-1.5),
    mf(lambda n: base4(n).roll(1, 0)[:2]),
    mf(lambda n: base4(n).transpose(0, 1)),
)
wrong(P, UNNAMED, mf(lambda n: torch.randn(4, n + 4, 3)))
P = "04_pairs_in_a_state"
wrong(P, ".", (16, 64, 1088), (4, 64, 2048), (16, 32, 2048), (16, 256, 2048), (16, 64, 4096))
P = "04_twins"
wrong(
    P,
    "window|word|list|one|differ|same|same pair",
    lambda w: ([w[0], w[1], w[2]], [w[1], w[2], w[0]]),
    lambda w: (w + w[:1], w[1:] + w[:2]),
    lambda w: ([w[0], w[1], w[1]], [w[0], w[1]]),
    lambda w: ({w[0], w[1]}, {w[0]}),
    lambda w: ((w[0], w[1], w[0]), (w[0], w[1], w[0])),
    lambda w: ([w[0], ""], [w[0]]),
)
P = "05_cross_attention"


def ca(
    s=lambda q, k: q @ k.T / k.shape[1] ** 0.5,
    w=lambda s: s.softmax(-1),
    out=lambda w, v: (w @ v, w),
    v=lambda mem, V: mem @ V,
):
    return lambda x, mem, Q, K, V: out(w(s(x @ Q, mem @ K)), v(mem, V))


wrong(P, "tanh", ca(s=lambda q, k: (q @ k.T / k.shape[1] ** 0.5).tanh()))
wrong(P, "residual|add|x", lambda x, mem, Q, K, V: (lambda c, w: (c + x @ Q, w))(*ca()(x, mem, Q, K, V)))
wrong(P, "twice|scale|√|d_k|4|fourth", ca(s=lambda q, k: q @ k.T / k.shape[1] ** 0.25))
wrong(P, "mean|divide|length", ca(out=lambda w, v: ((w[..., None] * v).mean(1), w)))
wrong(P, "exponential|normal|sum", ca(w=lambda s: s.exp()))
wrong(P, "W_V|twice|values", ca(v=lambda mem, V: mem @ V @ V.T @ V))
P = "05_who_sees_whom"


def ws(chg, cmp=lambda a, b: (a != b).any(1), st=1):
    def f(att, x):
        b = att(x)
        return torch.stack([cmp(att(chg(x.clone(), j)), b) for j in range(len(x))], st)

    return f


def flipj(c, j):
    c[j] = -c[j]
    return c


wrong(P, "before|one after|neighbour|off|next", ws(lambda c, j: flipj(c, j - 1)))
wrong(P, "column|component|word|row|one", ws(lambda c, j: torch.cat([c[:, :1] * -1, c[:, 1:]], 1)))
wrong(P, "threshold|coarse|large", ws(flipj, lambda a, b: (a - b).abs().amax(1) > 1.0))
wrong(
    P,
    "input|output|x",
    lambda att, x: torch.stack([(att(flipj(x.clone(), j))[:, :1] != x[:, :1]).any(1) for j in range(len(x))], 1),
)
wrong(P, "NaN|nan|all|True", ws(lambda c, j: c.index_fill(0, torch.tensor(j), float("nan"))))
wrong(P, "sign|increase|larger|any|grow", ws(flipj, lambda a, b: (a > b).all(1)))
P = "05_mask_of_last"
wrong(
    P,
    "one|first|row|query|see|This triangle shows th",
    lambda q, k: torch.arange(k)[None] <= torch.arange(q)[:, None] + 1,
    lambda q, k: torch.arange(k)[None] >= torch.arange(k - q, k)[:, None],
    lambda q, k: torch.arange(k)[None] == torch.arange(k - q, k)[:, None] - 1,
)
wrong(P, "k_len|shape|expected", lambda q, k: (torch.arange(k) <= torch.arange(k - q, k)[:, None]).long() * 2)
wrong(P, UNNAMED, lambda q, k: torch.ones(q, k - q, dtype=torch.bool))
wrong(
    P,
    "window|past|before|words",
    lambda q, k: (
        (torch.arange(k) <= torch.arange(k - q, k)[:, None]) & (torch.arange(k) > torch.arange(k - q, k)[:, None] - q)
    ),
)
P = "05_rotate"


def ro(
    f=lambda a, b, c, s: (a * c - b * s, a * s + b * c),
    ang=lambda n, t: torch.arange(n)[:, None] * t,
    join=lambda a, b: torch.stack([a, b], -1).flatten(1),
):
    return lambda x, t: (lambda A: join(*f(x[:, ::2], x[:, 1::2], A.cos(), A.sin())))(ang(len(x), t))


wrong(P, "place|log|square|root", ro(ang=lambda n, t: torch.arange(n)[:, None] ** 2 * t))
wrong(P, "exchang|order|component|second", ro(join=lambda a, b: torch.stack([b, a], -1).flatten(1)))
wrong(P, "columns|axis|interleav|pair|flatten|place", ro(join=lambda a, b: torch.stack([a, b], 1).flatten(1)))
wrong(P, "length|normal|divide|one", lambda x, t: F.normalize(ro()(x, t), dim=1))
wrong(P, "tan|sin|cos", ro(f=lambda a, b, c, s: (a * c - b * s / c, a * s / c + b * c)))
wrong(P, "residual|add|x|twice", lambda x, t: x + ro()(x, t))
P = "05_cached_step"


def cc(
    sc=lambda k, q: k @ q / k.shape[1] ** 0.5,
    w=lambda s: s.softmax(0),
    out=lambda c, k, v: (c, k, v),
    ctx=lambda w, v: w @ v,
):
    def f(x, Q, K, V, keys, values):
        k, v = torch.cat([keys, (x @ K)[None]]), torch.cat([values, (x @ V)[None]])
        return out(ctx(w(sc(k, x @ Q)), v), k, v)

    return f


wrong(P, "argmax|best|largest", cc(ctx=lambda w, v: v[w.argmax()]))
wrong(P, "mean|divide|equal|length", cc(ctx=lambda w, v: (w[:, None] * v).mean(0)))
wrong(P, "order|first|context", cc(out=lambda c, k, v: (k, v, c)))
wrong(P, UNNAMED, cc(out=lambda c, k, v: (c, (k, v))))
wrong(P, "last|drop|newest|window|oldest", cc(out=lambda c, k, v: (c, k[1:], v[1:])))
wrong(
    P,
    "inplace|changes|raise|size|repla|overwrit|last",
    lambda x, Q, K, V, k, v: (lambda k2, v2: ((k2 @ (x @ Q) / Q.shape[1] ** 0.5).softmax(0) @ v2, k2, v2))(
        torch.cat([k[:-1], (x @ K)[None]]), torch.cat([v[:-1], (x @ V)[None]])
    ),
)
P = "05_base_model"
wrong(
    P,
    ".",
    (1048576, 2097152, 88080384, 1024),
    (2097152, 2097152, 44040192, 1024),
    (1048576, 2097152, 31457280, 1024),
    (1048576, 2097152, 44040192, 256),
    (3145728, 2097152, 44040192, 1024),
    (1050624, 2099712, 44140544, 1024),
)
P = "06_who_ranks_differently"
wrong(
    P,
    ".",
    (False, False, False, False, False, True),
    (True, False, False, True, True, False),
    (False, True, True, True, True, False),
    (True, True, True, False, False, True),
    (False, False, True, True, False, False),
    (False, None, True, False, False, True),
)
P = "06_update_all"


def ua(
    mean=lambda r, v, i: r.mean(0),
    sc=lambda v, i, j, aq, ak: F.leaky_relu(v[i] @ aq + v[j] @ ak, 0.2),
    w=lambda s: s.softmax(0),
    c=lambda w, r, v, i: w @ r,
):
    def f(s, t, n, v, aq, ak):
        m, o = torch.zeros_like(v), torch.zeros_like(v)
        for i in range(n):
            j = s[t == i]
            if len(j):
                m[i] = mean(v[j], v, i)
                o[i] = c(w(sc(v, i, j, aq, ak)), v[j], v, i)
        return m, o

    return f


wrong(P, "median", ua(mean=lambda r, v, i: r.median(0).values))
wrong(P, "dot|a_query|a_key|product", ua(sc=lambda v, i, j, aq, ak: F.leaky_relu(v[j] @ v[i], 0.2)))
wrong(P, "tanh", ua(sc=lambda v, i, j, aq, ak: torch.tanh(v[i] @ aq + v[j] @ ak)))
wrong(P, "self|itself|own|residual", ua(c=lambda w, r, v, i: w @ r + v[i]))
wrong(P, "edges|mean|divide", ua(c=lambda w, r, v, i: w @ r / len(r)))
wrong(
    P,
    "no edge|without|own|zeros|itself|incoming",
    lambda s, t, n, v, aq, ak: (lambda m, c: (torch.where((torch.bincount(t, minlength=n) == 0)[:, None], v, m), c))(
        *ua()(s, t, n, v, aq, ak)
    ),
)
P = "06_edge_softmax"


def eg(f):
    def g(sc, s, t, n):
        o = torch.zeros_like(sc)
        for i in range(n):
            if (t == i).any():
                o[t == i] = f(sc[t == i])
        return o

    return g


wrong(P, "twice|two", eg(lambda x: x.softmax(0).softmax(0)))
wrong(P, "square|temperature|scale|√|times|heads", eg(lambda x: (x / x.shape[1] ** 0.5).softmax(0)))
wrong(P, UNNAMED, eg(lambda x: (x - x.amax(0)).exp() / (1 + (x - x.amax(0)).exp().sum(0))))
wrong(
    P,
    "mean|subtract|overflow|300|maximum|safe",
    lambda sc, s, t, n: (lambda e: e / torch.zeros(n, sc.shape[1]).index_add(0, t, e)[t])((sc - sc.mean(0)).exp()),
)
wrong(P, "relu|ReLU|negative|positive", eg(lambda x: x.relu().softmax(0)))
wrong(P, "cumul|running|sorted|one", eg(lambda x: x.softmax(0).cumsum(0)))
P = "06_layers_until_alike"


def la(
    spread=lambda x: (x.amax(0) - x.amin(0)).max(),
    step=lambda x, m: m.float() / m.sum(1, keepdim=True) @ x,
    go=lambda s, f, sh: s > sh * f,
    n0=0,
):
    def f(x, m, share):
        f0, n = spread(x), n0
        while go(spread(x), f0, share) and n < 400:
            x, n = step(x, m), n + 1
        return n

    return f


wrong(P, "variance|std|square|spread|difference", la(spread=lambda x: x.var(0).max()))
wrong(P, UNNAMED, lambda x, m, share: math.ceil(math.log(share) / math.log(0.5)) if share < 1 else 0)
wrong(P, "first|column|one", la(spread=lambda x: x[:, -1].max() - x[:, -1].min()))
wrong(
    P,
    UNNAMED,
    la(step=lambda x, m: (lambda a, d: (a / (d[:, None] * d[None]).sqrt()) @ x)(m.float(), m.sum(1).float())),
)
wrong(P, "rows|first|any two|last", la(spread=lambda x: (x[0] - x[-1]).abs().max()))
P = "06_dynamic_scores"
wrong(P, "slope|0.2|-", lambda q, k, a: F.leaky_relu(q[:, None] + k, -0.2) @ a)
wrong(P, "gelu|GELU|elu|ELU", lambda q, k, a: F.elu(q[:, None] + k) @ a)
wrong(P, "scale|√|divide|root", lambda q, k, a: F.leaky_relu(q[:, None] + k, 0.2) @ a / len(a) ** 0.5)
wrong(P, "max|You take the largest h", lambda q, k, a: (F.leaky_relu(q[:, None] + k, 0.2) * a).amax(-1))
wrong(P, "concat|half|twice|query|dot|product", lambda q, k, a: F.leaky_relu(q * a, 0.2) @ F.leaky_relu(k, 0.2).T)
wrong(P, "key|query|takes no part", lambda q, k, a: (F.leaky_relu(k, 0.2) @ a).expand(len(q), -1))
P = "06_good_advice"
wrong(P, ".", ("MLP", "GAT", "MLP "), "GAT, MLP, GAT", ("GAT", None, "GAT"), ["MLP", "MLP", "MLP"])
wrong(P, UNNAMED, ("GAT", "MLP", "GAT", "GAT"))
