"""Which drawings there are, by the name of their file in ``notebooks/pictures``."""

from collections.abc import Callable

from course_utils.drawings import decoder_that_asks, message_on_an_edge
from course_utils.drawings.canvas import Drawing

DRAWINGS: dict[str, Callable[[], Drawing]] = {
    "02_decoder_that_asks": decoder_that_asks.draw,
    "06_message_on_an_edge": message_on_an_edge.draw,
}
