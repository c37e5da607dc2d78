// The Transformer of lecture 05. An attention is offered keys and values, and then asked by all of its heads at once.
const [N_LAYERS, N_HEADS] = [2, 4];
const upTo = (n) => [...Array(n).keys()];
const linear = (model, name, x) => plus(times(model[`${name}.weight`], x), model[`${name}.bias`]);

function layerNorm(model, name, x) {
  const [scale, shift] = [model[`${name}.weight`], model[`${name}.bias`]];
  const mean = total(x) / x.length;
  const centred = x.map((entry) => entry - mean);
  const deviation = Math.sqrt(dot(centred, centred) / x.length + 1e-5);
  return centred.map((entry, i) => (scale[i] * entry) / deviation + shift[i]);
}

function feedForward(model, name, x) {
  const hidden = linear(model, `${name}.0`, x).map((entry) => Math.max(0, entry));
  return linear(model, `${name}.2`, hidden);
}

// A word's vector with the clock hands of its place: sines and cosines by turns.
const placed = (x, place) => x.map((entry, i) => {
  const angle = place / 10000 ** ((i - (i % 2)) / x.length);
  return entry + (i % 2 ? Math.cos(angle) : Math.sin(angle));
});

const offer = (model, name, xs) => ({
  keys: xs.map((x) => linear(model, `${name}.to_keys`, x)),
  values: xs.map((x) => linear(model, `${name}.to_values`, x)),
});

// Each head has a slice of the width. Gives what is added to each of xs, and weights[head][query][key].
function askHeads(model, name, xs, { keys, values }) {
  const queries = xs.map((x) => linear(model, `${name}.to_query`, x));
  const width = queries[0].length / N_HEADS;
  const everywhere = xs.map(() => keys.map(() => true)); // nothing that is offered lies in the future
  const looks = upTo(N_HEADS).map((head) => {
    const slice = (vectors) => vectors.map((vector) => vector.slice(head * width, (head + 1) * width));
    return attend(slice(queries), slice(keys), slice(values), SCORES.scaled, everywhere);
  });
  const joined = xs.map((_, i) => looks.flatMap((look) => look[i].context));
  return {
    added: joined.map((context) => linear(model, `${name}.to_output`, context)),
    weights: looks.map((look) => look.map(({ weights }) => weights)),
  };
}

function translateByHeads(model, words, most = 31) {
  const normed = (name, xs) => xs.map((x) => layerNorm(model, name, x));
  const encoder = []; // the weights of each layer
  let xs = idsOf(words, model.source_words).map((id, place) => placed(model["embed_source.weight"][id], place));
  for (const layer of upTo(N_LAYERS).map((l) => `encoder.${l}`)) {
    const asking = normed(`${layer}.norms.0`, xs);
    const own = `${layer}.self_attention`;
    const { added, weights } = askHeads(model, own, asking, offer(model, own, asking));
    xs = xs.map((x, i) => plus(x, added[i]));
    xs = xs.map((x) => plus(x, feedForward(model, `${layer}.feed_forward`, layerNorm(model, `${layer}.norms.1`, x))));
    encoder.push(weights);
  }
  const memory = normed("encoder_norm", xs);

  // The decoder writes word by word: its past is a cache of keys and values, as in exercise 5.
  const layers = upTo(N_LAYERS).map((l) => {
    const name = `decoder.${l}`;
    return { name, past: { keys: [], values: [] }, source: offer(model, `${name}.cross_attention`, memory) };
  });
  function step(id, { place }) {
    let x = placed(model["embed_target.weight"][id], place);
    const weights = { decoder: [], cross: [] };
    for (const { name, past, source } of layers) {
      const asking = normed(`${name}.norms.0`, [x]);
      const own = `${name}.self_attention`;
      const newest = offer(model, own, asking);
      past.keys.push(...newest.keys);
      past.values.push(...newest.values);
      const self = askHeads(model, own, asking, past);
      x = plus(x, self.added[0]);
      const cross = askHeads(model, `${name}.cross_attention`, normed(`${name}.norms.1`, [x]), source);
      x = plus(x, cross.added[0]);
      x = plus(x, feedForward(model, `${name}.feed_forward`, layerNorm(model, `${name}.norms.2`, x)));
      weights.decoder.push(self.weights.map(([row]) => row));
      weights.cross.push(cross.weights.map(([row]) => row));
    }
    const seen = layerNorm(model, "decoder_norm", x);
    return { logits: linear(model, "to_words", seen), state: { place: place + 1, seen }, weights };
  }
  return { encoder, memory, said: decodeGreedily(step, { place: 0 }, model.target_words, most) };
}
