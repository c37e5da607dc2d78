// Stage 2: the lectures' translators, on any number.
const state = { number: data.first.number, word: 0, looking: [], vector: [], english: [], right: [] };
const tally = Array.from({ length: MOST_DIGITS + 1 }, () => ({ tries: 0, looking: 0, vector: 0 }));
const models = {};
const wordsOf = (said) => said.map((s) => s.word);
const isRight = (said, truth = state.right) => isSame(wordsOf(said), truth);

// What both models make of a number.
function translated(n) {
  const words = english(n);
  return {
    number: n,
    english: words,
    right: german(n),
    looking: translateLookingBack(models.translator, words),
    vector: translateThroughOneVector(models.fixed_vector, words),
  };
}

function build() {
  begin();
  const question = element("div", {}, stage);
  const main = element("div", { className: "live-main live-words" }, stage);
  const left = element("div", { className: "live-side" }, main);
  const mapBox = element("div", { className: "live-shown" }, main);
  const controls = element("fieldset", { className: "live-controls live-inline", disabled: true }, left);
  element("legend", { textContent: "A number" }, controls);
  numberField(controls, state.number, take, countIt);

  const source = wordLine(left, "English", "live-source");
  const looking = wordLine(left, "Lecture 02 looks back", "live-looking");
  const vector = wordLine(left, "Lecture 01 has one vector", "live-vector");
  const correct = element("p", { className: "live-hint" }, left);
  left.append(told);

  const count = element("div", { className: "live-count" }, left);
  const head = element("p", { className: "live-head" }, count);
  element("span", { textContent: "Right so far, by number of digits" }, head);
  const many = element("button", { type: "button", textContent: "Try ten of each length" }, head);
  const chart = element("div", { className: "live-chart", role: "img" }, count);
  const bars = tally.slice(1).map((_, i) => {
    const column = element("div", {}, chart);
    const pair = element("div", { className: "live-pair" }, column);
    element("span", { textContent: String(i + 1) }, column);
    return {
      looking: element("i", { className: "live-bar-looking" }, pair),
      vector: element("i", { className: "live-bar-vector" }, pair),
    };
  });
  const key = element("p", { className: "live-hint" }, count);
  key.append(
    element("i", { className: "live-bar-looking" }), " looks back, ",
    element("i", { className: "live-bar-vector" }), " one vector. They were trained on 17,000 numbers: most of those ",
    "below 1,000, hardly any of the long ones, and few of a single word.",
  );

  function add({ number: n, right, looking: back, vector: one }) {
    const place = tally[String(n).length];
    place.tries += 1;
    place.looking += isRight(back, right);
    place.vector += isRight(one, right);
  }

  function countUp() {
    const parts = [];
    tally.slice(1).forEach(({ tries, looking: a, vector: b }, i) => {
      bars[i].looking.style.height = `${tries ? 4 * a / tries : 0}em`;
      bars[i].vector.style.height = `${tries ? 4 * b / tries : 0}em`;
      bars[i].looking.parentElement.classList.toggle("live-untried", !tries);
      if (tries) parts.push(`${i + 1} digits: looks back ${a} of ${tries}, one vector ${b} of ${tries}`);
    });
    chart.setAttribute("aria-label", `Numbers translated without an error. ${parts.join("; ")}.`);
  }

  let map = [];
  function take(n) {
    Object.assign(state, translated(n));
    show();
  }

  function countIt() {
    add(state);
    countUp();
  }

  function show() {
    const n = state.number;
    source.words.replaceChildren(...state.english.map((text) => element("span", { textContent: text })));
    looking.show(wordsOf(state.looking), state.right);
    const wrong = wrongIn(wordsOf(state.looking), state.right);
    const buttons = state.looking.map(({ word: text }, i) => {
      const made = element("button", { type: "button", textContent: text, className: wrong[i] ? "live-wrong" : "" });
      made.addEventListener("click", () => point(i));
      made.addEventListener("pointerenter", () => point(i));
      return made;
    });
    looking.words.replaceChildren(...buttons);
    walk(buttons, (i) => point(i));
    vector.show(wordsOf(state.vector), state.right);
    const fine = isRight(state.looking) && isRight(state.vector);
    correct.textContent = fine ? "" : `Right would be: ${state.right.join(" ")}`;
    map = drawMap();
    const verdict = (said) => (isRight(said) ? spoken("right") : spoken("wrong"));
    const both = `looking back is ${verdict(state.looking)}, one vector is ${verdict(state.vector)}`;
    point(state.word, `${digits(n)}, ${lengthOf(n)}: ${both}. `);
  }

  function drawMap() {
    const grid = element("table", { className: "live-small" });
    const top = element("tr", {}, element("thead", {}, grid), element("td"));
    state.english.forEach((text) => element("th", { scope: "col" }, top, element("span", { textContent: text })));
    const body = element("tbody", {}, grid);
    const rows = state.looking.map(({ word: text, weights }, i) => {
      const row = element("tr", {}, body, element("th", { scope: "row", textContent: text }));
      weights.forEach((weight) => {
        const cell = element("td", {}, row, element("span", { textContent: number(weight) }));
        paint(cell, weight);
      });
      row.addEventListener("pointerenter", () => point(i));
      return row;
    });
    mapBox.replaceChildren(grid);
    return rows;
  }

  function point(asked, what = "") {
    const i = Math.min(asked, state.looking.length - 1);
    if (i < 0) return say(what, "It writes nothing.");
    state.word = i;
    const { word: text, weights } = state.looking[i];
    [...looking.words.children].forEach((button, at) => {
      button.setAttribute("aria-pressed", at === i);
      button.tabIndex = at === i ? 0 : -1;
    });
    map.forEach((row, at) => row.classList.toggle("live-asking", at === i));
    [...source.words.children].forEach((chip, j) => {
      paint(chip, weights[j]);
      chip.replaceChildren(state.english[j]);
      if (weights[j] >= 0.05) element("sub", { textContent: number(weights[j]) }, chip);
    });
    const best = weights.map((weight, j) => [weight, j]).sort((a, b) => b[0] - a[0])
      .filter(([weight], at) => at === 0 || weight >= 0.1).slice(0, 3);
    const places = best.flatMap(([weight, j], at) => {
      const before = at === 0 ? "" : at === best.length - 1 ? spoken(" and ") : ", ";
      return [before, word(state.english[j], "key"), ` ${number(weight)}`];
    });
    say(what, "Before it writes ", word(text, "query"), ", it looks at ", ...places, ".");
  }

  many.addEventListener("click", () => {
    many.disabled = true;
    const queue = tally.slice(1).flatMap((_, i) => Array.from({ length: 10 }, () => random(i + 1)));
    const next = () => {
      const until = performance.now() + 30;
      while (queue.length && performance.now() < until) add(translated(queue.pop()));
      countUp();
      if (queue.length) return void setTimeout(next);
      many.disabled = false;
      const all = (what) => total(tally.map((place) => place[what]));
      const last = tally[MOST_DIGITS];
      point(state.word, `Of ${all("tries")} numbers, looking back gets ${all("looking")} right and one vector `
        + `${all("vector")}. With ${MOST_DIGITS} digits it is ${last.looking} against ${last.vector} `
        + `of ${last.tries}. `);
    };
    next();
  });

  // The question: the last unit word of the first number, which German says before the ten.
  Object.assign(state, translated(state.number));
  const asked = state.looking.findIndex((s) => s.word === data.first.ask);
  const { weights } = state.looking[asked];
  const best = likeliest(weights);
  const buttons = ask(question, {
    question: [
      `${digits(state.number)} so far: `,
      element("i", { textContent: state.looking.slice(0, asked).map((s) => s.word).join(" ") }),
      " … The next word will be ", word(data.first.ask, "query"),
      ". Which English word will the decoder look at most before it writes it?",
    ],
    options: state.english,
    right: () => [best],
    because: () => [
      "It gives ", word(state.english[best], "key"), ` ${number(weights[best])} of its weight. `,
      "Now make the number longer: where does one vector break?",
    ],
    then: () => {
      controls.disabled = false;
      for (const part of later) part.hidden = false;
      state.word = asked;
      take(state.number);
      countIt();
    },
  });
  buttons.forEach((made) => made.classList.add("live-key-answer"));
  const later = [...left.children, mapBox].filter((part) => part !== controls);
  for (const part of later) part.hidden = true;
}

unpack(data.stored).then((unpacked) => Object.assign(models, unpacked)).then(build, (error) => {
  const textContent = `This browser cannot read the stored weights (${error.message}). The picture shows one number.`;
  element("p", { className: "live-hint", textContent }, figure.querySelector(".live-still"));
});
