(function () {
  const figure = document.currentScript.closest(".attention-explorer");
  const data = JSON.parse(figure.querySelector('script[type="application/json"]').textContent);
  const stage = figure.querySelector(".explorer-stage");
  const running = data.keys.length > 24; // as text that wraps, not as columns
  const chosen = data.choices.map(() => 0);
  let query = 0;

  function element(tag, properties, parent) {
    return parent.appendChild(Object.assign(document.createElement(tag), properties));
  }

  const selects = element("p", { className: "explorer-choices" }, stage);
  data.choices.forEach((choice, axis) => {
    const label = element("label", { textContent: choice.name + " " }, selects);
    const select = element("select", {}, label);
    choice.options.forEach((option, i) => element("option", { textContent: option, value: i }, select));
    select.addEventListener("change", () => { chosen[axis] = Number(select.value); show(); });
    select.addEventListener("keydown", (event) => event.stopPropagation()); // a deck would turn the page
  });

  const board = element("div", { className: running ? "explorer-text" : "explorer-map" }, stage);
  board.setAttribute("role", "radiogroup");
  board.setAttribute("aria-label", "query");
  const upright = data.keys.length > 8 && data.keys.some((key) => key.length > 3);
  board.style.setProperty("--keys", data.keys.length);
  board.style.setProperty("--widest", upright ? "2.6em" : "5.5em");
  const told = element("p", { className: "explorer-told" }, stage);
  told.setAttribute("aria-live", "polite");

  function hidden(className, text, parent) {
    const made = element("span", { className, textContent: text }, parent);
    made.setAttribute("aria-hidden", "true"); // the sentence and the table say it
    return made;
  }

  if (!running) {
    hidden("", "", board);
    data.keys.forEach((key) => hidden("explorer-key" + (upright ? " explorer-upright" : ""), key, board));
  }
  const rows = data.queries.map((name, i) => {
    const button = element("button", { type: "button", textContent: name }, board);
    button.setAttribute("role", "radio");
    button.addEventListener("focus", () => choose(i));
    const cells = running ? [] : data.keys.map(() => hidden("explorer-cell", "", board));
    for (const part of [button, ...cells]) {
      part.addEventListener("pointerenter", () => choose(i));
      part.addEventListener("click", () => choose(i));
    }
    return { button, cells };
  });
  hidden(running ? "explorer-break" : "explorer-weight", running ? "" : "weight", board);
  const bars = data.keys.map((key) => {
    const place = hidden("explorer-place", "", board);
    const bar = element("span", { className: "explorer-bar" }, place);
    if (running) element("span", { className: "explorer-word", textContent: key }, place);
    const share = element("span", { className: "explorer-share" }, place);
    return { bar, share };
  });

  board.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    rows[(query + step + rows.length) % rows.length].button.focus();
  });

  function choose(i) { query = i; show(); }

  function show() {
    const map = data.maps[data.choices.reduce((sum, choice, axis) => sum * choice.options.length + chosen[axis], 0)];
    rows.forEach(({ button, cells }, i) => {
      button.setAttribute("aria-checked", i === query);
      button.tabIndex = i === query ? 0 : -1;
      cells.forEach((cell, j) => {
        cell.style.setProperty("--weight", map[i][j] || 0);
        cell.classList.toggle("explorer-chosen", i === query);
        cell.classList.toggle("explorer-masked", map[i][j] === null);
      });
    });
    const row = map[query];
    const most = Math.max(0.01, ...row);
    bars.forEach(({ bar, share }, j) => {
      share.textContent = row[j] === null ? "–" : row[j] >= 0.01 ? row[j].toFixed(2) : "·";
      bar.style.setProperty("--height", row[j] / (running ? most : 1) || 0); // many keys: relative to the largest
    });
    const largest = row.map((weight, j) => [weight, data.keys[j]]).sort((a, b) => b[0] - a[0]).slice(0, 3);
    const looks = largest.filter(([weight]) => weight >= 0.01).map(([weight, key]) => `${key} ${weight.toFixed(2)}`);
    told.textContent = `${data.queries[query]} looks at ${looks.join(", ") || "nothing"}.`;
  }
  show();
})();
