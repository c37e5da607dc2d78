// What the stages on numbers share: a field for a number, and which words of its translation are wrong.
const MOST_DIGITS = 12;
const digits = (n) => n.toLocaleString("en-US");
const random = (length) => Math.floor((1 + 9 * Math.random()) * 10 ** (length - 1));
const lengthOf = (n) => (n < 10 ? spoken("1 digit") : spoken(`${String(n).length} digits`));

// What is wrong with a number as it was typed, in a sentence; nothing is wrong with commas and blanks.
function wrongWith(typed) {
  const [sign] = typed.match(/[^\d,\s]/) || [];
  if (sign) return `“${sign}” is not a digit. Type a whole number from 1 to 999,999,999,999.`;
  const length = numberIn(typed).length;
  if (length > MOST_DIGITS) return `That number has ${length} digits. Type a number from 1 to 999,999,999,999.`;
  return length ? "" : "Type a number from 1 to 999,999,999,999.";
}
const numberIn = (typed) => typed.replace(/[,\s]/g, "").replace(/^0+/, "");

// A field and two buttons. take(n) is called for each new number, with each key; settled() when a number is meant: by a
// button, when typing pauses, or when the field is left.
const PAUSE = 1000; // milliseconds
function numberField(parent, first, take, settled = () => {}) {
  const label = element("label", {}, parent, element("span", { textContent: "Your number, up to 12 digits" }));
  const input = element("input", { type: "text", inputMode: "numeric", autocomplete: "off", spellcheck: false }, label);
  let now = first, meant = first, pause;
  const settle = () => {
    clearTimeout(pause);
    if (now === meant) return;
    meant = now;
    settled();
  };
  const give = (n) => {
    now = n;
    input.value = digits(n);
    take(n);
  };
  const button = (text, next) => {
    const made = element("button", { type: "button", textContent: text }, parent);
    made.addEventListener("click", () => {
      give(next());
      meant = null; // the same number once more is one more
      settle();
    });
  };
  button("One digit more", () => {
    const more = 10 * now + Math.floor(10 * Math.random());
    return more < 10 ** MOST_DIGITS ? more : random(1);
  });
  button("Another one as long", () => random(String(now).length));
  input.addEventListener("input", () => {
    clearTimeout(pause);
    const wrong = wrongWith(input.value);
    if (wrong) return say(wrong);
    const at = input.value.length - input.selectionStart;
    give(Number(numberIn(input.value)));
    pause = setTimeout(settle, PAUSE);
    input.setSelectionRange(Math.max(0, input.value.length - at), Math.max(0, input.value.length - at));
  });
  input.addEventListener("blur", settle);
  input.value = digits(first);
}

// Words between the common beginning and the common end are wrong.
const isSame = (words, truth) => words.join(" ") === truth.join(" ");
function wrongIn(words, truth) {
  let from = 0;
  while (from < words.length && words[from] === truth[from]) from++;
  let end = 0;
  const room = Math.min(words.length, truth.length) - from;
  while (end < room && words.at(-1 - end) === truth.at(-1 - end)) end++;
  return words.map((_, i) => i >= from && i < words.length - end);
}

// A line of words with its title, and a mark that says whether they are right.
function wordLine(parent, title, className) {
  const box = element("div", { className: `live-said ${className}` }, parent);
  const head = element("p", { className: "live-head" }, box, element("span", { textContent: title }), " ");
  const mark = element("b", {}, head);
  const words = element("div", { className: "live-chips", role: "group", "aria-label": title }, box);
  function show(said, truth) {
    const wrong = wrongIn(said, truth);
    words.replaceChildren(...said.map((text, i) =>
      element("span", { textContent: text, className: wrong[i] ? "live-wrong" : "" })));
    mark.textContent = isSame(said, truth) ? spoken("✓ right") : spoken("✗ wrong");
    mark.className = isSame(said, truth) ? "live-ok" : "live-bad";
  }
  return { words, show };
}
