"""The drawings of the lectures, made by code so that all of them speak one visual language.

``python -m course_utils.drawings`` writes them to ``notebooks/pictures``; lessons only embed the files. One module per
drawing, each with a function that returns a `Drawing`; what they share is in `canvas`, the colours in
`course_utils.palette`. Read as figures are read on a page: **a sentence runs down, computation runs to the right**.
"""
