// What a search shows first: the section that teaches a term (an entry of the index, named here by its section), then
// headings, then text; functions of the package come last.
var Scorer = {
  objNameMatch: 1, objPartialMatch: 0, objPrio: {0: 0, 1: -5, 2: -10}, objPrioDefault: 0,
  title: 60, partialTitle: 7, term: 5, partialTerm: 2,
  score: (result) => {
    const [page, title, anchor, , score, , kind] = result;
    if (kind === "index" && anchor) {
      const file = Search._index.docnames.indexOf(page);
      const named = Object.entries(Search._index.alltitles)
        .find(([, places]) => places.some(([where, id]) => where === file && `#${id}` === anchor));
      if (named && named[0] !== title) result[1] = `${title} > ${named[0]}`;
    }
    return score;
  },
};
