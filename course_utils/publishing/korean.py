"""Search in Korean, which Sphinx has none for: a word is found whichever particle follows it."""

import re

from sphinx.search import SearchLanguage

PARTICLES = (
    "에서는|에서도|에게는|으로는|으로도|으로써|입니다|합니다|으로|에서|에게|까지|부터|처럼|보다|마다|이나|이란|이라|이다|에는|에도"
    "|와의|과의|들의|들이|들은|들을|은|는|이|가|을|를|의|에|로|와|과|도|만|들"
)
WITH_PARTICLE = rf"^(.*?[가-힣A-Za-z0-9]{{2,}}?)(?:{PARTICLES})$"


class SearchKorean(SearchLanguage):
    """Leaves out a particle at the end of a word of two letters or more, in the index and in what is looked for."""

    lang = "ko"
    language_name = "Korean"
    js_stemmer_code = f"""
var Stemmer = function () {{
  this.stemWord = (word) => word.replace(/{WITH_PARTICLE}/, "$1");
}};
"""

    def stem(self, word: str) -> str:
        """Give a word as it is in the index."""
        return re.sub(WITH_PARTICLE, r"\1", word.lower())
