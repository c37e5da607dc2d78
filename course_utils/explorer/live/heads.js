// Stage 4: the Transformer of lecture 05, attention by attention, layer by layer, head by head.
const ATTENTIONS = {
  cross: "Cross-attention",
  encoder: "Encoder self-attention",
  decoder: "Decoder self-attention, causal",
};
const state = { number: data.first.number, attention: "cross", layer: data.first.layer, head: data.first.head, row: 0 };
let model;

// What one layer of one attention did: who asks, who answers, and weights[head][query][key].
function looks() {
  const { read, english: words } = state;
  const written = read.said.map((step) => step.word);
  if (state.attention === "encoder") return { asks: words, answers: words, heads: read.encoder[state.layer] };
  const heads = upTo(N_HEADS).map((head) =>
    read.said.map(({ weights }) => weights[state.attention][state.layer][head]));
  return { asks: written, answers: state.attention === "cross" ? words : ["<bos>", ...written.slice(0, -1)], heads };
}
const averageOf = (heads) => heads[0].map((row, i) =>
  row.map((_, j) => total(heads.map((map) => map[i][j])) / heads.length));

function translate(n) {
  state.number = n;
  state.english = english(n);
  state.right = german(n);
  state.read = translateByHeads(model, state.english);
}

function build() {
  begin();
  const question = element("div", {}, stage);
  const main = element("div", { className: "live-main" }, stage);
  const left = element("div", { className: "live-side" }, main);
  const controls = element("fieldset", { className: "live-controls", disabled: true }, left);
  element("legend", { textContent: spoken("Choose") }, controls);
  numberField(element("div", { className: "live-inline" }, controls), state.number, take);
  const written = wordLine(controls, "The Transformer writes", "live-writes");
  const correct = element("p", { className: "live-hint" }, controls);
  choice(spoken("Attention"), Object.entries(ATTENTIONS), "attention");
  choice(spoken("Layer"), upTo(N_LAYERS).map((l) => [l, String(l + 1)]), "layer");
  choice(spoken("Head"), upTo(N_HEADS).map((h) => [h, String(h + 1)]), "head");
  left.append(told);
  element("p", {
    className: "live-hint",
    textContent: "Pale is 0, dark is 1, and each row sums to 1. A weight says where a head looks, not why a word is "
      + `written. The model was trained as in the lecture, on ${digits(data.trainedOn)} numbers; then its `
      + "matrices were rounded to 8 bits.",
  }, left);
  const maps = element("div", { className: "live-maps" }, main);

  // A row of buttons of which one is pressed; the arrow keys press the next one.
  function choice(title, options, part) {
    const box = element("div", { className: "live-toggles", role: "group", "aria-label": title }, controls);
    element("span", { textContent: title }, box);
    const press = (at) => {
      state[part] = options[at][0];
      buttons.forEach((button, i) => button.setAttribute("aria-pressed", i === at));
      show();
    };
    const buttons = options.map(([value, textContent], at) => {
      const button = element("button", { type: "button", textContent, "aria-pressed": value === state[part] }, box);
      button.addEventListener("click", () => press(at));
      return button;
    });
    walk(buttons, press);
    for (const button of buttons) button.tabIndex = button.getAttribute("aria-pressed") === "true" ? 0 : -1;
  }

  function take(n) {
    translate(n);
    const said = state.read.said.map((step) => step.word);
    written.show(said, state.right);
    const isRight = isSame(said, state.right);
    correct.textContent = isRight ? "" : `Right would be: ${state.right.join(" ")}`;
    show(`${digits(n)}, ${lengthOf(n)}: the Transformer is ${isRight ? spoken("right") : spoken("wrong")}. `);
  }

  // Two tables, of the head and of the average: made anew for other words, and coloured for each layer and head.
  let shown, laid, tables;
  function show(what = "") {
    const { asks, answers, heads } = looks();
    const words = [...asks, "", ...answers].join(" ");
    if (words !== laid) {
      maps.replaceChildren();
      maps.classList.toggle("live-long", answers.length > 12);
      tables = [draw(asks, answers, true), draw(asks, answers, false)];
      laid = words;
    }
    shown = { asks, answers, map: heads[state.head], average: averageOf(heads) };
    const place = `Layer ${state.layer + 1}, head ${state.head + 1}`;
    fill(tables[0], place, shown.map);
    fill(tables[1], `Layer ${state.layer + 1}, average of its four heads`, shown.average);
    point(Math.min(state.row, asks.length - 1), `${what}${ATTENTIONS[state.attention]}, ${place.toLowerCase()}. `);
  }

  function draw(asks, answers, isAsked) {
    const grid = element("table", { className: "live-small" }, element("div", {}, maps));
    const caption = element("caption", {}, grid);
    const top = element("tr", {}, element("thead", {}, grid), element("td"));
    answers.forEach((text) => element("th", { scope: "col" }, top, element("span", { textContent: text })));
    const body = element("tbody", {}, grid);
    const rows = asks.map((textContent, i) => {
      const row = element("tr", {}, body);
      const name = element(isAsked ? "button" : "span", { textContent }, element("th", { scope: "row" }, row));
      if (isAsked) name.type = "button";
      row.addEventListener("pointerenter", () => point(i));
      name.addEventListener("click", () => point(i));
      return { row, name, cells: answers.map(() => element("td", {}, row)) };
    });
    if (isAsked) walk(rows.map(({ name }) => name), (i) => point(i));
    return { caption, rows };
  }

  function fill({ caption, rows }, title, map) {
    caption.textContent = title;
    rows.forEach(({ cells }, i) => cells.forEach((cell, j) => {
      const isSeen = j < map[i].length; // the rest has not been written yet
      cell.textContent = isSeen ? number(map[i][j]) : "–";
      cell.className = isSeen ? "" : "live-hidden";
      paint(cell, isSeen ? map[i][j] : null);
    }));
  }

  function point(i, what = "") {
    if (i < 0) return say(what, "It writes nothing.");
    state.row = i;
    for (const { rows } of tables) rows.forEach(({ row }, at) => row.classList.toggle("live-asking", at === i));
    tables[0].rows.forEach(({ name }, at) => {
      name.setAttribute("aria-pressed", at === i);
      name.tabIndex = at === i ? 0 : -1;
    });
    const asking = word(shown.asks[i], "query");
    const reads = state.attention === "encoder";
    const begins = reads ? [asking, " looks at "] : ["Before ", asking, " is written, this head looks at "];
    const most = likeliest(shown.map[i]);
    const mean = number(shown.average[i][most]);
    const last = [". On average the four heads give ", word(shown.answers[most], "key"), ` ${mean}.`];
    say(what, ...begins, ...placesOf(shown.map[i]), ...last);
  }

  // The largest weight, and up to two more of a tenth at least.
  function placesOf(row) {
    const best = row.map((weight, j) => [weight, j]).sort((a, b) => b[0] - a[0])
      .filter(([weight], at) => at === 0 || weight >= 0.1).slice(0, 3);
    return best.flatMap(([weight, j], at) => {
      const before = at === 0 ? "" : at === best.length - 1 ? spoken(" and ") : ", ";
      return [before, word(shown.answers[j], "key"), ` ${number(weight)}`];
    });
  }

  // The question: how many heads of the first layer that is shown look at the word that is translated.
  translate(state.number);
  const { answers, heads } = looks();
  const asked = state.read.said.findIndex((step) => step.word === data.first.ask);
  const partner = ENGLISH.small[GERMAN.small.indexOf(data.first.ask)];
  const best = heads.map((map) => [answers[likeliest(map[asked])], Math.max(...map[asked])]);
  const found = best.filter(([name]) => name === partner).length;
  ask(question, {
    question: [
      `${digits(state.number)} so far: `,
      element("i", { textContent: state.right.slice(0, asked).join(" ") }),
      " … The next word will be ", word(data.first.ask, "query"),
      `. Layer ${state.layer + 1} has four heads that look at the English, each with weights of its own. How many of `,
      "them look most at ", word(partner, "key"), "?",
    ],
    options: [spoken("None"), spoken("One"), spoken("Two"), spoken("Three"), "All four"],
    right: () => [found],
    because: () => [
      ...best.flatMap(([name, weight], head) => [
        head === 0 ? "Head 1 looks most at "
          : head < N_HEADS - 1 ? spoken(`, head ${head + 1} at `)
            : spoken(` and head ${head + 1} at `),
        word(name, "key"), ` ${number(weight)}`,
      ]),
      ". Now choose other words, another layer, another attention.",
    ],
    then: () => {
      controls.disabled = false;
      main.hidden = false;
      state.row = asked;
      take(state.number);
    },
  });
  main.hidden = true;
}

unpack(data.stored).then(({ transformer }) => { model = transformer; }).then(build, (error) => {
  const textContent = `This browser cannot read the stored weights (${error.message}). The picture shows one number.`;
  element("p", { className: "live-hint", textContent }, figure.querySelector(".live-still"));
});
