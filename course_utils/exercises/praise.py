"""What a correct answer is told: the point of the exercise, how far its author is, and what comes next."""

import html
from dataclasses import dataclass

from course_utils.exercises import progress
from course_utils.exercises.catalogue import EXERCISES, of_lecture
from course_utils.files import START_AND_LECTURES
from course_utils.languages.speaking import said
from course_utils.palette import LIGHT

# exercise -> its title in the lecture, and in one line what a right answer has shown
POINTS = {
    "00_practice": (
        "Practice: a soft average",
        "Scores became weights, and the weights averaged the values: the whole course in two steps.",
    ),
    "01_pairs_of_words": (
        "Fool a bag of pairs",
        "Two sentences with the same words and the same pairs: counting neighbours does not capture the order either.",
    ),
    "01_last_state": (
        "Pick the last real state yourself",
        "The state to pick is at each sentence's own length minus one, not at the end of the padded row.",
    ),
    "01_mixed_batch": (
        "Sentences that read each other",
        "Each sentence is read on its own now, whatever else is in the batch.",
    ),
    "01_masked_loss": (
        "A loss that leaves padding out",
        "The mean is over the real words alone, so padding changes neither the loss nor its gradient.",
    ),
    "01_greedy": (
        "Decode greedily",
        "One word after the other, each the likeliest after those that are written, until the end mark.",
    ),
    "01_gradient_left": (
        "A two among the weights",
        "Two steps multiply by 2 · 1/8, four by 1/16: the product along the way counts, not the largest weight.",
    ),
    "02_soft_dictionary": (
        "A dictionary, half as warm",
        "Half the temperature squares the ratios of the weights: 1/6, 2/3, 1/6, and the answer moves towards 12.",
    ),
    "02_additive_score": (
        "Score all pairs at once",
        "One sum by broadcasting scores every key for every query, without a loop.",
    ),
    "02_softmax_axis": (
        "Columns that sum to one",
        "The softmax runs over the keys, so that the weights of each query sum to one.",
    ),
    "02_decoder_step": (
        "Write the step of a decoder that asks",
        "The old state asks, and the context that comes back helps to make the new one.",
    ),
    "02_blind_look": (
        "Two sentences, one map",
        "The query meets the encoder's states themselves now, so another sentence gets another map.",
    ),
    "02_unreachable_key": (
        "An entry that nobody can look up",
        "A key between the others never scores highest with the dot product: no question finds it.",
    ),
    "03_document_twice": (
        "The same document twice",
        "Only the sum notices that everything comes twice; whatever divides by all there is does not.",
    ),
    "03_learned_query": (
        "A query that is learned",
        "One vector, learned in training, asks every document the same question.",
    ),
    "03_two_levels": (
        "Which word weighs most?",
        "A word's weight in its sentence times its sentence's weight; all words of a document together weigh one.",
    ),
    "03_delete_top": (
        "Delete the top words",
        "This is the test behind the lecture's first picture: take the top words away and count what changes.",
    ),
    "03_other_weights": (
        "Other weights, the same document",
        "The classifier reads the vector alone: two maps that give the same vector explain its answer equally well.",
    ),
    "03_indifferent_query": (
        "A document that the query cannot read",
        "The query does not see what is perpendicular to it: all scores are alike, and attention is the mean.",
    ),
    "04_layers_needed": (
        "How deep for a hundred words?",
        "Without dilation each layer adds four words, so it takes 25; with dilations 1, 5 and 25, three are enough.",
    ),
    "04_causal_convolution": (
        "A language model that is too good",
        "No output hears a later word any more, so the model must predict what it used to copy.",
    ),
    "04_marker_filters": (
        "Four filters that find both markers",
        "A maximum over all positions finds a marker wherever it is, but keeps nothing of where it was.",
    ),
    "04_pairs_in_a_state": (
        "How many pairs fit into a state of 32?",
        "Sixteen pairs fit into 32 signs: there is room, so what a trained GRU forgets it has not learned to keep.",
    ),
    "04_twins": (
        "Two sentences, one answer",
        "The same windows in another order have the same maxima, whatever the filters are.",
    ),
    "05_cross_attention": (
        "Cross-attention",
        "Queries from the target, keys and values from the source: one row of weights per target word.",
    ),
    "05_who_sees_whom": (
        "A test for leaks",
        "Change one word and watch every output: this finds a leak in any attention, whatever is inside.",
    ),
    "05_mask_of_last": (
        "A triangle in the wrong corner",
        "With fewer queries than keys the triangle ends in the lower right corner: the last word sees them all.",
    ),
    "05_rotate": (
        "Rotary positions",
        "Queries and keys are turned by their places, so that their product knows only how far apart they are.",
    ),
    "05_cached_step": (
        "A cache of keys and values",
        "Old keys and values are never computed again: a new word costs one row of scores.",
    ),
    "05_base_model": (
        "Count the paper's base model",
        "44 million weights, and 25 million of them are in the feed-forward parts, not in attention.",
    ),
    "06_who_ranks_differently": (
        "One ranking for all?",
        "In a head of GAT the query adds one number before a function that rises: everybody ranks alike.",
    ),
    "06_update_all": (
        "A message and a reduce function of your own",
        "A message along each edge and a sum at each node: mean and attention differ in their weights alone.",
    ),
    "06_edge_softmax": (
        "A softmax for every node",
        "The weights of the edges into a node sum to one, and no node's large scores spoil another's.",
    ),
    "06_layers_until_alike": (
        "How many layers until an island is alike?",
        "Averaging over neighbours again and again is averaging over the whole island: over-smoothing.",
    ),
    "06_dynamic_scores": (
        "Everybody likes the same key",
        "Bent first and weighed afterwards, the scores let each query have a favourite of its own.",
    ),
    "06_good_advice": (
        "When are neighbours good advice?",
        "Neighbours help where they tell something, even if none of them is of one's own kind.",
    ),
}


@dataclass(frozen=True)
class Praise:
    """A correct answer, for the page and as text."""

    name: str
    point: str
    standing: str

    def __repr__(self) -> str:
        return f"{self.name}: {said('correct.')} {self.point}\n{self.standing}"

    def _repr_html_(self) -> str:
        return (
            f'<div role="status" style="border-left:0.3em solid {LIGHT["key"]};padding:0.4em 0.9em;margin:0.4em 0;'
            f'max-width:46em;line-height:1.5"><div><strong style="background-color:{LIGHT["key"]};color:#ffffff;'
            f'border-radius:0.3em;padding:0.1em 0.6em">{said("✓ correct")}</strong> {html.escape(self.point)}</div>'
            f'<div style="opacity:0.85;padding-top:0.3em">{html.escape(self.standing)}</div></div>'
        )


def praise(name: str) -> Praise:
    """Say what a correct answer has shown, how much of its lecture is done with it, and what comes next."""
    lecture = name[:2]
    names, solved = of_lecture(lecture), progress.solved() | {name}
    later = names.index(name) + 1
    todo = [other for other in names[later:] + names[:later] if other not in solved]
    done = len(names) - len(todo)
    if todo:
        standing = f"Lecture {lecture}: {done} of {len(names)} exercises done. Next: {POINTS[todo[0]][0]}."
    elif lecture == "00":
        standing = "You know how exercises work now. The first lecture is next."
    else:
        standing = f"All {len(names)} exercises of lecture {lecture} are done. {_next_lecture(lecture)}"
    return Praise(name, said(POINTS[name][1]), said(standing))


def _next_lecture(lecture: str) -> str:
    todo = [number for number in sorted({name[:2] for name in EXERCISES}) if number > lecture]
    if not todo:
        return "That was the last lecture: look at the table once more, all its rows are yours now."
    (page,) = [path.name for path in START_AND_LECTURES if path.name.startswith(todo[0])]
    return f"Next comes {page}."
