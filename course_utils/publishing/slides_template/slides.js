// Starts the deck once the formulas stand, so that nothing moves afterwards; D changes between light and dark.
const root = document.documentElement;
const wanted = new URLSearchParams(window.location.search).get("theme");
root.dataset.theme = wanted || localStorage.getItem("theme") || "light";

MathJax.Hub.Queue(() => {
  Reveal.initialize({
    width: 1280, height: 720, margin: 0.03, center: false, hash: true, slideNumber: "c/t", transition: "none",
    controls: true, progress: true, pdfSeparateFragments: false, showNotes: false, plugins: [RevealNotes],
    keyboard: {68: () => {
      root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
      localStorage.setItem("theme", root.dataset.theme);
    }},
  });
});
