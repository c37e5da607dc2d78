// Gives every drawn formula its TeX source as a name, for those who hear the page.
window.addEventListener("load", () => window.MathJax?.Hub?.Queue(() => {
  for (const formula of MathJax.Hub.getAllJax()) {
    const drawn = document.getElementById(`${formula.inputID}-Frame`)?.querySelector("svg");
    drawn?.setAttribute("aria-label", formula.originalText);
  }
}));
