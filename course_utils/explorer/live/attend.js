// The course's one equation. Queries, keys and values are lists of vectors; mask[i][j] is true where query i may look
// at key j; score(key, query, i, j) is one number.
const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
const total = (numbers) => numbers.reduce((sum, x) => sum + x, 0);

function softmax(scores, may) {
  const largest = Math.max(...scores.filter((_, j) => may[j]));
  const powers = scores.map((score, j) => (may[j] ? Math.exp(score - largest) : 0));
  const sum = total(powers) || 1; // a query that may look at nothing gives no weight
  return powers.map((power) => power / sum);
}

function attend(queries, keys, values, score, mask, temperature = 1) {
  return queries.map((query, i) => {
    const scores = keys.map((key, j) => score(key, query, i, j) / temperature);
    const weights = softmax(scores, mask[i]);
    const context = values[0].map((_, d) => total(weights.map((weight, j) => weight * values[j][d])));
    return { scores, weights, context };
  });
}

// Scores. Every matrix that a lecture learns is the identity here and every learned vector is all ones, so that what
// you see can be worked out on paper.
const leaky = (x) => (x > 0 ? x : 0.2 * x);
const SCORES = {
  zero: () => 0,
  dot: (key, query) => dot(query, key),
  scaled: (key, query) => dot(query, key) / Math.sqrt(key.length),
  additive: (key, query) => total(query.map((x, d) => Math.tanh(x + key[d]))),
  learned: (key, query) => dot(query, key.map(Math.tanh)),
  offset: (key, query, i, j) => -Math.abs(i - j),
  graph: (key, query) => leaky(total(query) + total(key)),
};

// Masks: may the query at place i look at the key at place j? `last` is the last place that is not padding.
const MASKS = {
  padding: () => true,
  last: (i, j, { last }) => j === last,
  causal: (i, j) => j <= i,
  window: (i, j, { radius }) => Math.abs(i - j) <= radius,
  edges: (i, j, { edges }) => edges[i][j],
};

// Padding hides a key from everybody, whatever else the mask says.
function maskOf(name, real, settings) {
  const last = real.lastIndexOf(true);
  return real.map((_, i) =>
    real.map((isReal, j) => isReal && MASKS[name](i, j, { last, ...settings })));
}
