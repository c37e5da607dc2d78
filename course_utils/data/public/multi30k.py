"""Multi30k: image descriptions in English and their German translations."""

import gzip

from course_utils.data.public.registry import fetch

SPLITS = {"train": "train", "val": "val", "test": "test_2016_flickr"}


def load_multi30k(progress: bool = True) -> dict[str, list[tuple[str, str]]]:
    """Load the raw sentence pairs (German, English) of each split: 29,000 train, 1,014 val, 1,000 test.

    References
    ----------
    Elliott, Frank, Sima'an & Specia (2016), Multi30K: Multilingual English-German Image Descriptions.
    """
    paths = fetch("multi30k", progress)

    def lines(split: str, language: str) -> list[str]:
        text = gzip.decompress(paths[f"{SPLITS[split]}.{language}.gz"].read_bytes()).decode("utf-8")
        return [line.strip() for line in text.removesuffix("\n").split("\n")]

    return {split: list(zip(lines(split, "de"), lines(split, "en"), strict=True)) for split in SPLITS}
