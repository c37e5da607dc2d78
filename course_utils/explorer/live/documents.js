// Stage 3: lecture 06's four documents. A reference is a place in the mask.
const NAMES = ["A", "B", "C", "D"];
const PAIRS = [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]];
const H = [[1, 0], [0, 1], [1, 1], [2, 0]];
const VALUES = H.map(([a, b]) => [a, a + b]); // W h
const A_QUERY = [1, -1], A_KEY = [1, 0];
const DOCUMENT_SCORES = {
  graph: [(key, query) => leaky(dot(A_QUERY, query) + dot(A_KEY, key)), "GAT: LeakyReLU(aᵀ[q ‖ k])"],
  zero: [SCORES.zero, "f = 0: the plain mean"],
  dot: [SCORES.dot, "q·k, dot product"],
};
const state = { score: "graph", asking: 0, on: new Set(["A–B", "A–C", "C–D"]) };
const pairName = ([i, j]) => `${NAMES[i]}–${NAMES[j]}`;
const linked = (i, j) => i === j || state.on.has(pairName([Math.min(i, j), Math.max(i, j)]));

function compute() {
  const edges = NAMES.map((_, i) => NAMES.map((_, j) => linked(i, j)));
  const mask = maskOf("edges", NAMES.map(() => true), { edges });
  return { mask, looks: attend(VALUES, VALUES, VALUES, DOCUMENT_SCORES[state.score][0], mask) };
}

begin();
const question = element("div", {}, stage);
const main = element("div", { className: "live-main" }, stage);
const left = element("fieldset", { className: "live-controls", disabled: true }, main);
element("legend", { textContent: spoken("Choose") }, left);
const right = element("div", { className: "live-shown" }, main);

const svg = (tag, attributes, parent) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return parent.appendChild(made);
};
const PLACES = [[75, 80], [75, 225], [285, 80], [285, 225]];
const picture = svg("svg", { viewBox: "0 0 360 305", class: "live-graph", "aria-hidden": "true" }, left);
const lines = PAIRS.map(([i, j]) => {
  const [[x1, y1], [x2, y2]] = [PLACES[i], PLACES[j]];
  const group = svg("g", {}, picture);
  const line = svg("line", { x1, y1, x2, y2 }, group);
  svg("line", { x1, y1, x2, y2, class: "live-hit" }, group);
  group.addEventListener("click", () => toggle([i, j]));
  return { group, line, pair: [i, j] };
});
const arrows = svg("g", {}, picture);
const nodes = PLACES.map(([x, y], i) => {
  const group = svg("g", { class: "live-node" }, picture);
  svg("circle", { cx: x, cy: y, r: 24 }, group);
  svg("text", { x, y: y + 6 }, group).textContent = NAMES[i];
  group.addEventListener("click", () => askFrom(i));
  return group;
});
const labels = svg("g", {}, picture);

const chosen = element("div", { className: "live-toggles", role: "group", "aria-label": "References" }, left);
element("span", { textContent: "References" }, chosen);
const toggles = PAIRS.map((pair) => {
  const button = element("button", { type: "button", textContent: pairName(pair) }, chosen);
  button.addEventListener("click", () => toggle(pair));
  return button;
});
walk(toggles);
const named = Object.entries(DOCUMENT_SCORES).map(([name, of]) => [name, of[1]]);
chooser(left, "Score f(k, q)", named, "graph", (name) => {
  state.score = name;
  change([spoken(`Score ${DOCUMENT_SCORES[name][1]}. `)]);
});

const weights = table(right, {
  asks: NAMES, answers: NAMES, onAsk: askFrom,
  onCell: (i, j) => (i === j ? askFrom(i) : toggle([Math.min(i, j), Math.max(i, j)])),
});
element("p", {
  className: "live-hint",
  textContent: "Each row asks. A place off the diagonal is a reference: press it, or a line of the graph, to take the "
    + "reference away or to put it in.",
}, right);
const context = element("p", { className: "live-formula" }, right);
right.append(told);

function askFrom(i) {
  if (!figure.classList.contains("live-answered")) return;
  state.asking = i;
  change([]);
}

function toggle(pair) {
  if (!figure.classList.contains("live-answered")) return;
  const name = pairName(pair);
  const added = !state.on.delete(name);
  if (added) state.on.add(name);
  change([added ? `Reference ${name} put in. ` : `Reference ${name} taken away. `]);
}

let before = compute();
function change(what) {
  const now = compute();
  const { looks, mask } = now;
  const look = looks[state.asking];
  weights.show({
    names: NAMES, looks, mask, asking: state.asking, scoreName: spoken("score"), closed: "no edge",
    values: VALUES.map((v) => `${v[0]}, ${v[1]}`),
  });
  toggles.forEach((button, p) => button.setAttribute("aria-pressed", state.on.has(pairName(PAIRS[p]))));
  lines.forEach(({ group, pair }) => {
    group.setAttribute("class", `live-edge ${state.on.has(pairName(pair)) ? "" : "live-off"}`);
  });
  nodes.forEach((node, i) => node.setAttribute("class", `live-node ${i === state.asking ? "live-asks" : ""}`));
  arrows.replaceChildren();
  labels.replaceChildren();
  look.weights.forEach((weight, j) => {
    if (mask[state.asking][j]) draw(j, weight, look.weights[state.asking]);
  });
  const messages = NAMES.map((_, j) => j).filter((j) => mask[state.asking][j])
    .map((j) => `<span>${number(look.weights[j])}·[${VALUES[j].join(", ")}]</span>`);
  const result = look.context.map((x) => number(x)).join(", ");
  context.innerHTML = spoken(`new <b>${NAMES[state.asking]}</b> = ${messages.join(" + ")}`);
  context.append(" = ", word(`[${result}]`, "value"));
  say(...what, ...sentence(look, before.looks[state.asking], mask[state.asking]));
  before = now;
}

// An arrow into the one who asks, as wide as its weight; a ring for what it gives itself, its own weight.
function draw(j, weight, own) {
  const [x, y] = PLACES[state.asking], [fromX, fromY] = PLACES[j];
  const width = 1.5 + 12 * weight;
  let at;
  if (j === state.asking) {
    svg("circle", { cx: x, cy: y, r: 27 + width / 2, class: "live-ring", "stroke-width": width }, arrows);
    at = [x, y + (y > 150 ? 1 : -1) * (27 + width + 14)];
  } else {
    const length = Math.hypot(x - fromX, y - fromY);
    const along = (t) => [fromX + (x - fromX) * t, fromY + (y - fromY) * t];
    const reach = 33 + 12 * own; // up to the ring
    const [start, end] = [along(25 / length), along(1 - (reach + 12) / length)];
    const [ux, uy] = [(x - fromX) / length, (y - fromY) / length];
    const line = { x1: start[0], y1: start[1], x2: end[0], y2: end[1] };
    svg("line", { ...line, class: "live-arrow", "stroke-width": width }, arrows);
    const half = 5 + width / 2;
    const sides = [half, -half].map((side) => [end[0] - uy * side, end[1] + ux * side]);
    svg("polygon", { class: "live-tip", points: [along(1 - reach / length), ...sides].join(" ") }, arrows);
    at = along(0.38);
  }
  const text = svg("text", { x: at[0], y: at[1] + 5, class: "live-number" }, labels);
  text.textContent = number(weight);
}

function sentence(look, old, may) {
  const all = NAMES.map((name, j) => ({ name, j, now: look.weights[j], was: old.weights[j] }));
  const parts = all.filter(({ j }) => may[j]).sort((a, b) => b.now - a.now).map(({ name, j, now, was }) => {
    const moved = Math.abs(was - now) < 0.005 ? "" : spoken(` (${number(was)} before)`);
    const who = j === state.asking ? spoken("itself") : name;
    return `${who} ${number(now)}${moved}`;
  });
  const gone = all.filter(({ j, was }) => was > 0 && !may[j]).map(({ name, was }) =>
    ` The ${number(was)} of ${name} went to those who are left, in proportion to what they had.`);
  return [word(NAMES[state.asking], "query"), spoken(` gives ${listed(parts)}.`), ...gone];
}

const start = compute().looks[0].weights;
ask(question, {
  question: [
    word("A", "query"),
    ` gives B ${number(start[1])}, and itself and C ${number(start[2])} each. The reference A–C is taken away. `,
    "How much will A give B?",
  ],
  options: [number(start[1]), number(start[1] / (start[0] + start[1])), number(start[1] + start[2] / 2)],
  right: () => [1],
  because: (i) => [
    ["B's score has not changed, but a weight is a share, and fewer share now. ", "", "B does not get half of it. "][i],
    "What C had is shared out in proportion: both remaining weights grow by the same factor.",
  ],
  then: () => { left.disabled = false; toggle([0, 2]); },
});
change([]);
