"""Which drawings there are, by the name of their file in ``notebooks/pictures``."""

from collections.abc import Callable
from functools import partial

from course_utils.drawings import (
    convolutions,
    decoder_that_asks,
    dictionary,
    documents,
    four_steps,
    heads_and_masks,
    message_on_an_edge,
    one_function,
    recurrent,
    references,
    room,
    rotation,
    self_attention,
    transformer,
)
from course_utils.drawings.canvas import Drawing

# The Transformer as the lecture's code grows: what is lit, and how it is called in the description.
LIT = {
    "self_attention": (("self_attention",), "self-attention"),
    "three_attentions": (("self_attention", "masked_attention", "cross_attention"), "the three attentions"),
    "encoder_layer": (("self_attention", "feed_forward"), "the encoder layer"),
    "decoder_layer": (("masked_attention", "cross_attention", "decoder_feed_forward"), "the decoder layer"),
    "cross_attention": (("cross_attention",), "cross-attention"),
    "positions": (("embeddings", "positions", "output"), "embeddings, positions and the last layer"),
}

DRAWINGS: dict[str, Callable[[], Drawing]] = {
    "01_unrolled": recurrent.unrolled,
    "01_gru_cell": recurrent.gru,
    "01_lstm_cell": recurrent.lstm,
    "01_one_vector": recurrent.one_vector,
    "01_teaching": recurrent.teaching,
    "01_one_equation": one_function.equation,
    "01_bits": room.bits,
    "01_squeeze": room.squeeze,
    "02_exact_dictionary": dictionary.exact,
    "02_decoder_that_asks": decoder_that_asks.writes_fuenf,
    "02_decoder_that_asks_later": decoder_that_asks.writes_vierzig,
    "03_who_asks": documents.who_asks,
    "03_two_levels": documents.hierarchy,
    "03_areas": documents.areas,
    "04_window": convolutions.window,
    "04_pyramids": convolutions.pyramids,
    "04_paths": convolutions.paths,
    "04_markers": convolutions.markers,
    "04_pooling": convolutions.pooling,
    "04_recall": convolutions.recall,
    "04_scan": convolutions.scan,
    "04_text_cnn": convolutions.text_cnn,
    "05_everybody": self_attention.everybody,
    "05_four_steps": four_steps.draw,
    "05_heads": heads_and_masks.heads,
    "05_causal_triangle": heads_and_masks.triangle,
    "05_rotation": rotation.draw,
    "05_bag": self_attention.bag,
    "05_transformer": transformer.draw,
    **{f"05_transformer_{name}": partial(transformer.draw, *lit) for name, lit in LIT.items()},
    "06_message_on_an_edge": message_on_an_edge.draw,
    "06_one_document": references.one_document,
    "06_one_unit": references.one_unit,
    "one_function": one_function.draw,
}
