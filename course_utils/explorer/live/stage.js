// What all stages share: elements, sliders, a question that hides its answer, and a table of weights.
const figure = document.currentScript.closest(".attention-live");
const data = JSON.parse(figure.querySelector('script[type="application/json"]').textContent);
const stage = figure.querySelector(".live-stage");
const spoken = String; // marks what readers see and is no sentence, so that it is translated too

function element(tag, properties = {}, parent = null, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  if (parent) parent.append(made);
  return made;
}

// Numbers as they are read: two places, a true minus, and no "−0.00".
function number(x, places = 2) {
  const text = Math.abs(x).toFixed(places);
  return (x < 0 && Number(text) !== 0 ? "−" : "") + text;
}
const listed = (parts) =>
  (parts.length < 2 ? parts.join("") : parts.slice(0, -1).join(", ") + spoken(" and ") + parts.at(-1));

// A weight is coloured as in the course's figures (course_utils.palette).
const channels = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
const [palest, darkest] = data.scale.ends.map(channels);
function paint(place, weight) {
  const colour = palest.map((low, c) => Math.round(low + (darkest[c] - low) * weight));
  place.style.backgroundColor = weight === null ? "" : `rgb(${colour})`;
  place.style.color = weight === null ? "" : weight < data.scale.turn ? "#000" : "#fff";
}

// A deck turns its page, and JupyterLab acts, on keys that a control of ours needs itself.
figure.setAttribute("data-lm-suppress-shortcuts", "true");
figure.addEventListener("keydown", (event) => {
  const types = event.target.matches("input, select");
  if (types || (event.key === " " && event.target.matches("button, summary"))) event.stopPropagation();
});

function slider(parent, { label, min, max, step, value, says, change }) {
  const box = element("label", { className: "live-slider" }, parent);
  const words = element("span", {}, box, element("span", { textContent: label }), " ");
  const shown = element("output", {}, words);
  const input = element("input", { type: "range", min, max, step, value }, box);
  function told() {
    shown.textContent = says(Number(input.value));
    input.setAttribute("aria-valuetext", shown.textContent);
  }
  input.addEventListener("input", () => { told(); change(Number(input.value)); });
  told();
  return { box, set: (to) => { input.value = to; told(); } };
}

function chooser(parent, label, options, value, change) {
  const box = element("label", { className: "live-chooser" }, parent, element("span", { textContent: label }));
  const select = element("select", {}, box);
  for (const [name, says] of options) element("option", { value: name, textContent: says }, select);
  select.value = value;
  select.addEventListener("change", () => change(select.value));
  return select;
}

// One tab stop for a row of buttons; arrows, Home and End walk through it.
function walk(buttons, reached = () => {}) {
  buttons.forEach((button, i) => {
    button.tabIndex = i === 0 ? 0 : -1;
    button.addEventListener("focus", () => {
      for (const other of buttons) other.tabIndex = other === button ? 0 : -1;
    });
    button.addEventListener("keydown", (event) => {
      const last = buttons.length - 1;
      const ways = { ArrowDown: i + 1, ArrowRight: i + 1, ArrowUp: i - 1, ArrowLeft: i - 1, Home: 0, End: last };
      const to = ways[event.key];
      if (to === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      const next = (to + buttons.length) % buttons.length;
      buttons[next].focus();
      reached(next);
    });
  });
}

// Predict, then look: what is asked, buttons to answer with, and only then the answer.
function ask(parent, { question, options, right, because, then }) {
  const box = element("div", { className: "live-question", role: "group" }, parent);
  element("p", {}, box, element("b", { textContent: "First, a guess. " }), ...question);
  box.setAttribute("aria-label", "First, a guess");
  const answers = element("div", { className: "live-answers" }, box);
  const buttons = options.map((option, i) => {
    const button = element("button", { type: "button", textContent: option }, answers);
    button.addEventListener("click", () => {
      const isRight = right().includes(i);
      const verdict = element("p", { className: "live-verdict", tabIndex: -1 });
      element("b", { textContent: isRight ? "✓ Right. " : "✗ Not quite. " }, verdict);
      verdict.append(`You said: ${option}. `, ...because(i));
      box.replaceChildren(verdict);
      verdict.focus({ preventScroll: true }); // the button is gone, and a screen reader reads what has the focus
      figure.classList.add("live-answered");
      then(i);
    });
    return button;
  });
  walk(buttons);
  return buttons;
}

// What changed, in words: read aloud, and there to be read.
const told = element("p", { className: "live-told", "aria-live": "polite" });
const say = (...parts) => told.replaceChildren(...parts);
const word = (text, role) => element("b", { className: `live-${role}`, textContent: text });

// The weights of all queries, and below them how those of one query came about.
function table(parent, { asks, answers, onAsk, onAnswer, onCell }) {
  const made = element("table", { className: "live-table" }, parent);
  const corner = element("td", {}, element("tr", {}, element("thead", {}, made)));
  const head = corner.parentElement;
  const keys = answers.map((name) => {
    const place = element("th", { scope: "col" }, head);
    const [tag, properties] = onAnswer ? ["button", { type: "button" }] : ["span", {}];
    return element(tag, { ...properties, textContent: name }, place);
  });
  const body = element("tbody", { className: "live-map" }, made);
  const rows = asks.map(() => {
    const row = element("tr", {}, body);
    const button = element("button", { type: "button" }, element("th", { scope: "row" }, row));
    const cells = answers.map(() => element("td", {}, row));
    return { row, button, cells };
  });
  rows.forEach(({ button, cells }, i) => {
    button.addEventListener("click", () => onAsk(i));
    cells.forEach((cell, j) => cell.addEventListener("click", () => (onCell ? onCell(i, j) : onAsk(i))));
  });
  walk(rows.map(({ button }) => button), onAsk);
  if (onAnswer) {
    keys.forEach((key, j) => key.addEventListener("click", () => onAnswer(j)));
    walk(keys);
  }
  const below = element("tbody", { className: "live-worked" }, made);
  const line = (className, name) => {
    const row = element("tr", { className }, below);
    const label = element("th", { scope: "row", innerHTML: name }, row);
    return { row, label, cells: answers.map(() => element("td", {}, row)) };
  };
  const lines = {
    scores: line("live-scores", spoken("score")),
    weights: line("live-bars", spoken("weight")),
    values: line("live-values", spoken("value")),
  };
  const bars = lines.weights.cells.map((cell) => {
    const bar = element("span", { className: "live-bar" }, cell);
    return { bar, text: element("span", {}, cell) };
  });

  function show({ names, looks, mask, asking, values, scoreName, closed = spoken("hidden") }) {
    rows.forEach(({ row, button, cells }, i) => {
      row.hidden = i >= looks.length;
      if (row.hidden) return;
      button.textContent = names[i];
      button.setAttribute("aria-pressed", i === asking);
      row.classList.toggle("live-asking", i === asking);
      cells.forEach((cell, j) => {
        const weight = looks[i].weights[j];
        cell.classList.toggle("live-hidden", !mask[i][j]);
        paint(cell, mask[i][j] ? weight : null);
        cell.textContent = mask[i][j] ? number(weight) : "–";
      });
    });
    const look = looks[asking];
    lines.scores.label.innerHTML = scoreName;
    look.weights.forEach((weight, j) => {
      const seen = mask[asking][j];
      lines.scores.cells[j].textContent = seen ? number(look.scores[j]) : closed;
      lines.values.cells[j].textContent = values[j];
      bars[j].bar.style.height = `${3 * weight}em`;
      bars[j].text.textContent = seen ? number(weight) : "–";
      for (const { cells } of Object.values(lines)) cells[j].classList.toggle("live-hidden", !seen);
    });
  }
  return { keys, rows, show };
}

function begin() {
  figure.querySelector(".live-still").remove();
  stage.hidden = false;
}
