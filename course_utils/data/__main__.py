"""``python -m course_utils.data`` builds the corpora that need no network: lessons and tests find them ready."""

from course_utils.data.docs import load_docs
from course_utils.data.number_words import load_number_words
from course_utils.data.storage import cache_folder

if __name__ == "__main__":
    pairs = load_number_words()
    print(f"number words: {len(pairs):,} pairs, English and German, ready in {cache_folder()}")
    docs = load_docs()
    print(f"docs: {len(docs):,} documents, {len(docs.sources) // 2:,} references, ready in {cache_folder()}")
