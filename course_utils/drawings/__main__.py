"""``python -m course_utils.drawings``: write every drawing to ``notebooks/pictures``."""

from course_utils.drawings.gallery import DRAWINGS
from course_utils.files import PICTURES, write_atomically

for name, draw in DRAWINGS.items():
    write_atomically(PICTURES / f"{name}.svg", draw().svg().encode())
    print(f"notebooks/pictures/{name}.svg")
