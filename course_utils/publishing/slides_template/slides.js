// Starts the deck once the formulas stand, so that nothing moves afterwards; D changes between light and dark.
const root = document.documentElement;
const wanted = new URLSearchParams(window.location.search).get("theme");
root.dataset.theme = wanted || localStorage.getItem("theme") || "light";

const SIZES = [38, 34, 31, 28, 25]; // of a slide's text in pixels: the largest with which all of it fits
const ENOUGH = 31; // below this a figure gives way to the text, as far as its type allows
const FIGURES = [540, 500, 460, 420, 380, 340, 300];
const LEAST = 0.54; // of a figure's points, of which it has two for each of its own: its type stays readable
const TALLEST = [620, 600, 580, 560]; // a picture grows into what the text leaves free

const FOOT = 34; // who speaks, and the number of the slide

function fit(slide) {
  if (!slide || slide.dataset.fitted) return;
  const {height} = Reveal.getComputedSlideSize();
  slide.dataset.fitted = "yes";
  const figures = [...slide.querySelectorAll("img:not([src$='.svg'])")].filter((image) => image.offsetParent);
  const cut = () => [...slide.querySelectorAll("pre, code, table")].some((part) => part.scrollWidth > part.clientWidth + 1 && part.clientWidth > 0);
  const fits = () => slide.scrollHeight <= height - FOOT && slide.scrollWidth <= slide.clientWidth && !cut();
  const small = () => figures.some((image) => image.clientWidth < LEAST * image.naturalWidth);
  const tried = (size, figure) => {
    slide.style.fontSize = `${size}px`;
    slide.style.setProperty("--figure", `${figure}px`);
    return fits() && (figure === FIGURES[0] || !small());
  };
  const found = SIZES.some((size) => FIGURES.slice(0, size > ENOUGH ? 1 : FIGURES.length).some((figure) => tried(size, figure)));
  if (!found) {
    tried(SIZES.at(-1), FIGURES[0]);
    slide.classList.add("tight"); // a title of two lines above a figure
  }
  const given = slide.style.getPropertyValue("--figure");
  if (found && given === `${FIGURES[0]}px` && !TALLEST.some((picture) => {
    slide.style.setProperty("--figure", `${picture}px`);
    slide.style.setProperty("--drawing", `${picture}px`);
    return fits();
  })) {
    slide.style.setProperty("--figure", given);
    slide.style.removeProperty("--drawing");
  }
  if (slide.querySelector("h1")) return;
  const parts = [...slide.querySelectorAll("h2, h3, p, li, pre, table, img, svg, figure, [role=group]")].filter((part) => part.offsetParent);
  if (parts.every((part) => /^H\d$/.test(part.tagName))) slide.classList.add("alone");
  else if (slide.offsetHeight < height / 2 && !slide.querySelector(".attention-live")) slide.classList.add("few"); // a stage grows
}

MathJax.Hub.Queue(() => {
  Reveal.on("ready", (event) => fit(event.currentSlide));
  Reveal.on("slidechanged", (event) => fit(event.currentSlide));
  Reveal.on("pdf-ready", () => Reveal.getSlides().forEach(fit));
  const faces = [...document.fonts].map((face) => face.load()); // those of the slides to come as well: each is measured
  const pictures = [...document.images].map((image) => image.complete || new Promise((seen) => { image.onload = image.onerror = seen; }));
  Promise.allSettled([...faces, ...pictures]).then(() => Reveal.initialize({
    width: 1280, height: 720, margin: 0.03, center: false, hash: true, slideNumber: "c/t", transition: "none",
    navigationMode: "linear", // the right arrow walks through all of it; Esc still shows sections as columns
    controls: true, progress: true, pdfSeparateFragments: false, showNotes: false, plugins: [RevealNotes],
    keyboard: {68: () => {
      root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
      localStorage.setItem("theme", root.dataset.theme);
    }},
  }));
});
