"""The backing package of the attention course: what would be the same, word for word, in any notebook."""

import os

# Without it the first import of dgl prints two lines and writes a configuration file to the home folder.
os.environ.setdefault("DGLBACKEND", "pytorch")
