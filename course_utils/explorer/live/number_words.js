// A number from 1 to 999,999,999,999 in words, cut into the lectures' tokens (course_utils.data.number_words).
const ENGLISH = {
  small: ["", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"],
  tens: ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"],
};
const GERMAN = {
  small: ["", "ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwölf",
    "dreizehn", "vierzehn", "fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn"],
  tens: ["", "", "zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig"],
};

const POWERS = [["", ""], ["tausend", "tausend"], ["Million", "Millionen"], ["Milliarde", "Milliarden"]];

// Groups of three digits, highest first: [power of a thousand, hundreds, what is below a hundred].
function groupsOf(number) {
  const groups = [];
  for (let power = 3; power >= 0; power--) {
    const group = Math.floor(number / 1000 ** power) % 1000;
    if (group) groups.push([power, Math.floor(group / 100), group % 100]);
  }
  return groups;
}

function english(number) {
  return groupsOf(number).flatMap(([power, hundreds, rest]) => [
    ...(hundreds ? [ENGLISH.small[hundreds], "hundred"] : []),
    ...(rest < 20 ? [ENGLISH.small[rest]] : [ENGLISH.tens[Math.floor(rest / 10)], ENGLISH.small[rest % 10]]),
    ["", "thousand", "million", "billion"][power],
  ]).filter(Boolean);
}

function german(number) {
  return groupsOf(number).flatMap(([power, hundreds, rest]) => {
    const [ten, unit] = rest < 20 ? [0, rest] : [Math.floor(rest / 10), rest % 10];
    const alone = !hundreds && rest === 1;
    let word = GERMAN.small[unit];
    if (unit === 1 && !ten) word = power > 1 && alone ? "eine" : power === 1 && alone ? "ein" : "eins";
    const [one, many] = POWERS[power];
    return [
      ...(hundreds ? [GERMAN.small[hundreds], "hundert"] : []),
      word,
      ...(ten ? (unit ? ["und", GERMAN.tens[ten]] : [GERMAN.tens[ten]]) : []),
      alone ? one : many,
    ];
  }).filter(Boolean);
}
