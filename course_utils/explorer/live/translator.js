// The translators of lectures 01 and 02, word by word. The numbers come from the lectures' own training; a name such as
// "encoder.gru.weight_ih_l0" is the one that PyTorch gives it. A matrix is a list of rows, and times(W, x) is W @ x.
function times(W, x) {
  const [rows, columns] = [W.length, x.length];
  const vector = Float64Array.from(x);
  const product = new Array(rows);
  for (let i = 0; i < rows; i++) {
    const row = W[i];
    let sum = 0;
    for (let j = 0; j < columns; j++) sum += row[j] * vector[j];
    product[i] = sum;
  }
  return product;
}
const plus = (a, b) => a.map((x, i) => x + b[i]);
const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const [BOS, EOS, UNKNOWN] = [1, 2, 3];

// One step of nn.GRUCell, or of one direction of nn.GRU: its names end in `_l0`, or in `_l0_reverse`.
function gruStep(model, cell, ending, input, state) {
  const of = (name) => model[`${cell}.${name}${ending}`];
  const seen = plus(times(of("weight_ih"), input), of("bias_ih"));
  const old = plus(times(of("weight_hh"), state), of("bias_hh"));
  const width = state.length;
  return state.map((before, i) => {
    const reset = sigmoid(seen[i] + old[i]);
    const update = sigmoid(seen[width + i] + old[width + i]);
    const candidate = Math.tanh(seen[2 * width + i] + reset * old[2 * width + i]);
    return candidate + update * (before - candidate);
  });
}

function readAll(model, cell, ending, inputs) {
  let state = new Array(model[`${cell}.weight_hh${ending}`][0].length).fill(0);
  return inputs.map((input) => (state = gruStep(model, cell, ending, input, state)));
}

const idsOf = (words, vocabulary) => words.map((word) => {
  const id = vocabulary.indexOf(word);
  return id < 0 ? UNKNOWN : id;
});
const likeliest = (logits) => logits.indexOf(Math.max(...logits));

// The likeliest word becomes the next input. step(id, state) gives the logits, the new state, and where it looked.
function decodeGreedily(step, state, vocabulary, most) {
  const said = [];
  for (let id = BOS; said.length < most; ) {
    const next = step(id, state);
    id = likeliest(next.logits);
    state = next.state;
    if (id === EOS) break;
    said.push({ word: vocabulary[id], weights: next.weights, state });
  }
  return said;
}

// Lecture 02: each state asks all states of the encoder.
function translateLookingBack(model, words, most = 30) {
  const inputs = idsOf(words, model.source_words).map((id) => model["encoder.embedding.weight"][id]);
  const forwards = readAll(model, "encoder.gru", "_l0", inputs);
  const backwards = readAll(model, "encoder.gru", "_l0_reverse", [...inputs].reverse()).reverse();
  const states = forwards.map((state, j) => [...state, ...backwards[j]]);
  const ends = [...forwards.at(-1), ...backwards[0]];
  const keys = states.map((state) => times(model["project_keys.weight"], state));
  const everywhere = [states.map(() => true)];
  const v = model["score.reduce.weight"][0];
  const additive = (key, query) => dot(v, plus(query, key).map(Math.tanh));

  function step(id, state) {
    const query = times(model["score.project_query.weight"], state);
    const [{ weights, context }] = attend([query], keys, states, additive, everywhere);
    const embedded = model["embedding.weight"][id];
    const next = gruStep(model, "cell", "", [...embedded, ...context], state);
    const all = [...next, ...embedded, ...context];
    return { logits: plus(times(model["to_words.weight"], all), model["to_words.bias"]), state: next, weights };
  }
  const first = plus(times(model["first_state.weight"], ends), model["first_state.bias"]).map(Math.tanh);
  return decodeGreedily(step, first, model.target_words, most);
}

// Lecture 01: the score is 0 and the mask shows the last state alone, so that one vector carries everything.
function translateThroughOneVector(model, words, most = 30) {
  const inputs = idsOf(words, model.source_words).map((id) => model["embed_source.weight"][id]);
  const states = readAll(model, "encoder", "_l0", inputs);
  const lastAlone = [states.map((_, j) => j === states.length - 1)];
  const [{ weights, context }] = attend([states[0]], states, states, SCORES.zero, lastAlone);

  function step(id, state) {
    const input = [...model["embed_target.weight"][id], ...context];
    const next = gruStep(model, "decoder", "_l0", input, state);
    return { logits: plus(times(model["to_words.weight"], next), model["to_words.bias"]), state: next, weights };
  }
  return decodeGreedily(step, context, model.target_words, most);
}
