"""Long film reviews, positive and negative, cut into sentences: material for a model with two levels."""

import re
from dataclasses import dataclass
from zipfile import ZipFile

from course_utils.data.public.registry import fetch


@dataclass(frozen=True)
class MovieReviews:
    """Reviews as sentences of tokens.

    Attributes
    ----------
    documents
        Each a tuple of sentences, each a tuple of lower-case tokens.
    labels
        1 for a positive review, 0 for a negative one.
    folds
        0 to 9: the ten folds of the paper, 100 reviews of each label in each.
    """

    documents: tuple[tuple[tuple[str, ...], ...], ...]
    labels: tuple[int, ...]
    folds: tuple[int, ...]


def load_movie_reviews(progress: bool = True) -> MovieReviews:
    """Load the 2,000 reviews of the polarity dataset 2.0, in the order of their file names, negative ones first.

    References
    ----------
    Pang & Lee (2004), A Sentimental Education: Sentiment Analysis Using Subjectivity Summarization.
    """
    documents, labels, folds = [], [], []
    with ZipFile(fetch("movie_reviews", progress)["movie_reviews.zip"]) as archive:
        for name in sorted(archive.namelist()):
            if found := re.fullmatch(r"movie_reviews/(neg|pos)/cv(\d)\d\d_\d+\.txt", name):
                lines = archive.read(name).decode("ascii").split("\n")
                documents.append(tuple(tuple(line.split()) for line in lines if line.strip()))
                labels.append(int(found[1] == "pos"))
                folds.append(int(found[2]))
    return MovieReviews(tuple(documents), tuple(labels), tuple(folds))
