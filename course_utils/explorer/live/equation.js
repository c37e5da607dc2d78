// Stage 1: any score with any mask, on six words with made-up numbers.
const WORDS = ["old", "dog", "bites", "new", "cat", "pad"];
const VALUES = [2, 9, 4, 7, 1, 0];
const TEMPERATURES = [0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 4, 6, 10];
const WIDTHS = [2, 4, 8, 16, 32, 64];
const BETWEEN = [[0, 1], [1, 2], [2, 4], [3, 4]]; // which words belong together: the graph of this sentence
const linked = (i, j) => (i === j ? i < 5 : BETWEEN.some((pair) => pair.includes(i) && pair.includes(j)));
const edges = WORDS.map((_, i) => WORDS.map((_, j) => linked(i, j)));
const T = "<sup>⊤</sup>";
const q = '<i class="live-query">q</i>', k = '<i class="live-key">k</i>';
const FORMULAS = {
  zero: ["0", "0: every key alike"],
  dot: [`${q}·${k}`, "q·k, dot product"],
  scaled: [`${q}·${k} / √<i>d<sub>k</sub></i>`, "q·k / √d_k, scaled dot product"],
  additive: [`<i>v</i>${T} tanh(${q} + ${k})`, "vᵀ tanh(q + k), additive"],
  learned: [`<i class="live-query">u</i>${T} tanh(${k})`, "uᵀ tanh(k), a learned query u"],
  offset: ["−|<i>i</i> − <i>j</i>|", "−|i − j|, the place alone"],
  graph: [`LeakyReLU(<i>a</i>${T}[${q} ‖ ${k}])`, spoken("LeakyReLU(aᵀ[q ‖ k]), graph")],
};
const MASK_NAMES = {
  padding: spoken("padding"), last: "last position only", causal: "padding, causal", window: "padding, window",
  edges: "the graph's edges",
};
const ROWS = {
  "01": ["zero", "last", "01 sequence to sequence"],
  "02": ["additive", "padding", "02 Bahdanau"],
  "03": ["learned", "padding", spoken("03 documents")],
  "04": ["offset", "window", "04 convolution, positive weights"],
  "05": ["scaled", "padding", "05 Transformer, encoder"],
  "05d": ["scaled", "causal", "05 Transformer, decoder"],
  "06": ["graph", "edges", "06 graph attention"],
  mean: ["zero", "padding", "mean pooling"],
};

const state = {
  score: ROWS[data.row][0], mask: ROWS[data.row][1], T: 1, width: 4, radius: 1, asking: 1,
  real: WORDS.map((name) => name !== "pad"),
};
const rowNow = () => {
  const fits = ([, [score, mask]]) => score === state.score && mask === state.mask;
  return (Object.entries(ROWS).find(fits) || ["own"])[0];
};

function compute() {
  const cut = (vectors) => vectors.map((vector) => vector.slice(0, state.width));
  const asked = cut(data.queries);
  const queries = state.score === "learned" ? asked.map(() => asked[1]) : asked; // one query for everybody
  const mask = maskOf(state.mask, state.real, { radius: state.radius, edges });
  const looks = attend(queries, cut(data.keys), VALUES.map((v) => [v]), SCORES[state.score], mask, state.T);
  return { looks, mask };
}

begin();
const question = element("div", {}, stage);
const main = element("div", { className: "live-main" }, stage);
const side = element("div", { className: "live-side" }, main);
const left = element("fieldset", { className: "live-controls", disabled: true }, side);
element("legend", { textContent: spoken("Choose") }, left);
const right = element("div", { className: "live-shown" }, main);
side.append(told);

const named = (table, at) => Object.entries(table).map(([name, of]) => [name, at === undefined ? of : of[at]]);
const rows = [...named(ROWS, 2), ["own", "your own mix"]];
const row = chooser(left, "Row of the course's table", rows, data.row, (name) => {
  [state.score, state.mask] = ROWS[name];
  change(`${ROWS[name][2]}: score ${FORMULAS[state.score][1]}; mask: ${MASK_NAMES[state.mask]}.`);
});
row.lastChild.disabled = true; // it says that score and mask are those of no row, and is not to be chosen
const score = chooser(left, "Score f(k, q)", named(FORMULAS, 1), state.score, (name) => {
  state.score = name;
  change(spoken(`Score ${FORMULAS[name][1]}.`));
});
const maskChoice = chooser(left, "Mask", named(MASK_NAMES), state.mask, (name) => {
  state.mask = name;
  change(spoken(`Mask: ${MASK_NAMES[name]}.`));
});
const temperature = slider(left, {
  label: "Temperature T", min: 0, max: TEMPERATURES.length - 1, step: 1, value: TEMPERATURES.indexOf(1),
  says: (x) => String(TEMPERATURES[x]),
  change: (x) => { state.T = TEMPERATURES[x]; change(`T = ${state.T}.`); },
});
slider(left, {
  label: "Width d_k of queries and keys", min: 0, max: 5, step: 1, value: 1, says: (x) => String(WIDTHS[x]),
  change: (x) => { state.width = WIDTHS[x]; change(`Queries and keys of ${state.width} numbers.`); },
});
const radius = slider(left, {
  label: "Window: places to each side", min: 0, max: 5, step: 1, value: 1, says: String,
  change: (x) => { state.radius = x; change(`A window of ${x} to each side.`); },
});

const formula = element("p", { className: "live-formula" }, right);
const weights = table(right, {
  asks: WORDS, answers: WORDS,
  onAsk: (i) => { if (figure.classList.contains("live-answered")) { state.asking = i; change(); } },
  onAnswer: (j) => {
    if (!figure.classList.contains("live-answered")) return;
    state.real[j] = !state.real[j];
    change(state.real[j] ? `${WORDS[j]} is shown again.` : `${WORDS[j]} is hidden from everybody.`);
  },
});
element("p", {
  className: "live-hint",
  textContent: "A word on top is a key: press it to hide it from everybody, as the padding is. Each row asks. "
    + "The numbers are made up.",
}, right);
const line = element("div", { className: "live-line", "aria-hidden": "true" }, right);
const dots = VALUES.map((value, j) => {
  const dot = element("span", { className: "live-dot" }, line);
  dot.style.left = `${10 * value}%`;
  element("span", { textContent: WORDS[j] }, dot);
  return { dot, size: element("i", {}, dot) };
});
const marker = element("span", { className: "live-context" }, line);
const code = element("details", { className: "live-code" }, side);
element("summary", { textContent: "The code that has just run" }, code);
const listing = element("pre", { tabIndex: 0 }, code);

let before = compute();
function change(what = "") {
  const now = compute();
  const { looks, mask } = now;
  if (state.asking >= looks.length) state.asking = 0;
  const names = asNow("u", "s");
  row.value = rowNow();
  score.value = state.score;
  maskChoice.value = state.mask;
  radius.box.hidden = state.mask !== "window";
  const divided = state.T === 1 ? "" : ` &nbsp;÷ ${state.T}`;
  formula.innerHTML = `softmax( ${FORMULAS[state.score][0]}${divided} ) · <i class="live-value">V</i>`;
  weights.show({
    names, looks, mask, asking: state.asking, values: VALUES, closed: "–",
    scoreName: divided ? spoken("score/T") : spoken("score"),
  });
  weights.keys.forEach((key, j) => {
    key.setAttribute("aria-pressed", !state.real[j]);
    key.setAttribute("aria-label", spoken(`hide ${WORDS[j]}`));
  });
  const look = looks[state.asking];
  dots.forEach(({ dot, size }, j) => {
    size.style.width = size.style.height = `${0.3 + 1.7 * Math.sqrt(look.weights[j])}em`;
    dot.classList.toggle("live-none", !mask[state.asking][j]);
  });
  const context = look.context[0];
  marker.style.left = `${10 * context}%`;
  marker.textContent = spoken(`context ${number(context)}`);
  marker.classList.toggle("live-far", context > 8);
  listing.textContent = [softmax, attend].map(String).join("\n\n") + `\n\nscore = ${SCORES[state.score]}`;
  say(...(what ? [what + " "] : []), ...sentence(names, look, mask[state.asking], before.looks[state.asking] || look));
  before = now;
}

// Who asks: one learned query, the states of a decoder (rows 01 and 02 of the table), or the words themselves.
function asNow(learned, decoder) {
  if (state.score === "learned") return WORDS.map(() => learned);
  return ["01", "02"].includes(rowNow()) ? WORDS.map((_, i) => `${decoder}${i}`) : WORDS;
}

function sentence(names, look, may, old) {
  const name = [word(asNow("The learned query u", "The decoder's state s")[state.asking], "query")];
  if (!may.includes(true)) return [...name, " may look at nothing: all weights are 0, and so is the context."];
  const most = Math.max(...look.weights);
  const best = WORDS.filter((_, j) => may[j] && look.weights[j] > most - 1e-9);
  const same = best.length === may.filter(Boolean).length;
  const first = look.weights.indexOf(most);
  const was = old.weights[first];
  const moved = Math.abs(was - most) < 0.005 ? "" : spoken(` (${number(was)} before)`);
  const where = same && best.length > 1
    ? [` gives the same weight, ${number(most)}, to each of ${best.length} keys`]
    : [" looks most at ", word(best[0], "key"), `, with the weight ${number(most)}${moved}`];
  return [...name, ...where, spoken(`. Context: ${number(look.context[0])}.`)];
}

const asker = asNow("u", "s")[state.asking];
ask(question, {
  question: [
    word(asker, "query"), " gives five words their weights. Now all its scores are divided by the same number, T = 4. ",
    "What becomes of the weights?",
  ],
  options: ["They move closer together", "The largest grows", "Nothing, a softmax ignores a common factor"],
  right: () => [0],
  because: () => [
    "A softmax ignores what is added to all scores, but not what they are divided by. The warmer, the more alike; ",
    "try T = 0.1 as well.",
  ],
  then: () => {
    left.disabled = false;
    temperature.set(TEMPERATURES.indexOf(4));
    state.T = 4;
    change("T = 4.");
  },
});
change();
