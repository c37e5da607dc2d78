"""The drawings of the lectures, made by code so that all of them speak one visual language.

``python -m course_utils.drawings`` writes them to ``notebooks/pictures``; a lesson only embeds a file,
``![what it shows](pictures/02_decoder_that_asks.svg)``. The colours are those of `course_utils.palette`.

The language:

- A sentence runs down, computation runs to the right, and the steps of a decoder run down as well.
- Colour says what something is: query, key, value, weight. All else is ink or grey; what is
  being written is set off in ink.
- A weight is a bar or a strength; what it multiplies is as wide as the weight, and a band behind a column says that its
  rows are computed together.
- Numbers are computed in the drawing's code. Boxes hold what is computed, circles sums, products and
  nodes.
- Few words, none smaller than `canvas.SMALL`. Lines cross only where they must, and then at a right angle.

To make one: a function that returns a `canvas.Drawing`, an entry in `gallery`, the command above. Look at it at 700
pixels, in the dark, on a slide and on a phone before the tests do.
"""
