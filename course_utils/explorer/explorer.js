(function () {
  // The map is on the page already; this lets it answer.
  const spoken = String; // marks what readers see and is no sentence, so that it is translated too
  const figure = document.currentScript.closest(".attention-explorer");
  const data = JSON.parse(figure.querySelector('script[type="application/json"]').textContent);
  const table = figure.querySelector(".explorer-map"); // or, with many keys, running text: a block per query
  const blocks = [...figure.querySelectorAll(".explorer-row")];
  const told = figure.querySelector(".explorer-told");
  const chosen = data.choices.map(() => 0);
  const cells = table
    ? [...table.tBodies[0].rows].map((row) => [...row.cells].slice(1))
    : blocks.map((block) => [...block.querySelectorAll(".explorer-text bdi")]);
  let pinned = null; // {axis, index}: what a click keeps
  let pointed = null; // what pointer or focus shows until then
  let open = 0; // the block of running text that is shown

  const map = () => data.maps[data.choices.reduce((sum, choice, axis) => sum * choice.options.length + chosen[axis], 0)];
  const same = (a, b) => a !== null && b !== null && a.axis === b.axis && a.index === b.index;

  function element(tag, properties, parent) {
    return parent.appendChild(Object.assign(document.createElement(tag), properties));
  }

  // Buttons: each name becomes one; arrows walk, Home and End go to the first and last.
  function buttons(places, axis) {
    const made = places.map((place, index) => {
      const button = element("button", { type: "button" }, place);
      button.append(...[...place.childNodes].filter((node) => node !== button));
      button.addEventListener("focus", () => { if (!pinned || button.matches(":focus-visible")) point({ axis, index }); });
      button.addEventListener("blur", () => point(null));
      button.addEventListener("click", () => pin({ axis, index }));
      button.addEventListener("keydown", (event) => {
        const last = made.length - 1;
        const next = {
          ArrowDown: index + 1, ArrowRight: index + 1, ArrowUp: index - 1, ArrowLeft: index - 1, Home: 0, End: last,
        }[event.key];
        if (next === undefined) return;
        event.preventDefault();
        event.stopPropagation(); // a deck would turn the page
        const to = (next + made.length) % made.length;
        if (pinned) pinned = { axis, index: to };
        made[to].focus();
      });
      place.addEventListener("pointerenter", () => point({ axis, index }));
      return button;
    });
    return made;
  }

  let named;
  if (table) {
    table.classList.add("explorer-live");
    named = {
      row: buttons([...table.tBodies[0].rows].map((row) => row.cells[0]), "row"),
      column: buttons([...table.tHead.rows[0].cells].slice(1), "column"),
    };
    table.addEventListener("pointerleave", () => point(null));
  } else {
    const bar = document.createElement("div");
    bar.className = "explorer-bar";
    blocks.forEach((block) => { block.firstChild.hidden = true; }); // the button says it
    blocks[0].before(bar);
    const places = data.queries.map((query) => element("span", { textContent: query }, bar));
    named = { row: buttons(places, "row"), column: [] };
    blocks.forEach((block) => block.addEventListener("pointerleave", () => point(null)));
  }
  cells.forEach((row, i) => row.forEach((cell, j) => {
    const here = table ? { axis: "row", index: i } : { axis: "column", index: j };
    cell.addEventListener("pointerenter", () => point(here));
    cell.addEventListener("click", () => pin(here));
  }));
  figure.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !pinned) return;
    event.stopPropagation();
    pinned = pointed = null;
    show();
  });

  function point(place) { pointed = place; show(); }

  function pin(place) { pinned = same(pinned, place) ? null : place; pointed = pinned && pointed; show(); }

  function sentence({ axis, index }) {
    const row = axis === "row";
    const name = data[row ? "queries" : "keys"][index];
    const others = data[row ? "keys" : "queries"];
    const weights = row ? map()[index] : map().map((line) => line[index]);
    const largest = weights.map((weight, i) => [weight || 0, others[i]]).sort((a, b) => b[0] - a[0]).slice(0, 3);
    const said = largest.filter(([weight]) => weight >= Math.max(0.005, largest[0][0] / 40)).map(([weight, other]) => [other, " " + weight.toFixed(2)]);
    const parts = [[name, row ? " looks at " : " is looked at by "]];
    said.forEach((part, i) => {
      if (i > 0) parts.push(["", i === said.length - 1 ? spoken(" and ") : ", "]);
      parts.push(part);
    });
    if (!said.length) parts.push(["", row ? spoken("nothing") : spoken("none")]);
    return [...parts, ["", "."]];
  }

  function show() {
    const asked = pinned || pointed;
    if (!table && asked && asked.axis === "row") open = asked.index;
    figure.classList.toggle("explorer-asked", Boolean(table && asked));
    cells.forEach((row, i) => row.forEach((cell, j) => {
      cell.classList.toggle("explorer-lit", asked !== null && asked.index === (asked.axis === "row" ? i : j));
    }));
    blocks.forEach((block, i) => { block.hidden = i !== open; });
    for (const axis of ["row", "column"]) {
      const at = asked && asked.axis === axis ? asked.index : axis === "row" && !table ? open : -1;
      named[axis].forEach((button, i) => {
        button.tabIndex = i === Math.max(0, at) ? 0 : -1;
        button.setAttribute("aria-pressed", same(pinned, { axis, index: i }));
        button.parentElement.classList.toggle("explorer-chosen", i === at);
        button.parentElement.classList.toggle("explorer-pinned", same(pinned, { axis, index: i }));
      });
    }
    told.replaceChildren();
    const say = asked || (table ? null : { axis: "row", index: open });
    if (say === null) {
      told.textContent = "Point at a query (row) or a key (column) to read its weights; a click keeps it.";
      return;
    }
    sentence(say).forEach(([word, rest]) => {
      if (word) element("bdi", { textContent: word }, told);
      told.append(rest);
    });
  }

  // Another layer or head: the same cells with other weights, coloured as Python does it (course_utils/palette.py).
  const channels = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  function paint() {
    const [nothing, most] = data.scale.ends.map(channels);
    const full = table ? 1 : Math.max(...map().flat()) || 1;
    map().forEach((row, i) => {
      row.forEach((weight, j) => {
        if (weight === null) return;
        const share = weight / full;
        const plain = !table && share < 0.05;
        const colour = nothing.map((low, c) => Math.round(low + (most[c] - low) * share));
        cells[i][j].style.backgroundColor = plain ? "" : `rgb(${colour})`;
        cells[i][j].style.color = plain ? "" : share < data.scale.turn ? "#000" : "#fff";
        const number = weight >= 0.995 ? "1" : weight < 0.005 ? "" : weight.toFixed(2).slice(1);
        if (table) cells[i][j].textContent = number;
        else figure.querySelector(".explorer-table tbody").rows[j].cells[i + 1].textContent = number;
      });
    });
  }
  if (data.choices.length) {
    const place = figure.querySelector(".explorer-choices");
    place.textContent = "";
    data.choices.forEach((choice, axis) => {
      const label = element("label", { textContent: choice.name + " " }, place);
      const select = element("select", {}, label);
      choice.options.forEach((option, i) => element("option", { textContent: option, value: i }, select));
      select.addEventListener("change", () => { chosen[axis] = Number(select.value); paint(); show(); });
      select.addEventListener("keydown", (event) => event.stopPropagation()); // a deck would turn the page
    });
  }
  told.setAttribute("aria-live", "polite");
  show();
})();
