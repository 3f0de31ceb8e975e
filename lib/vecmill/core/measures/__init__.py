"""Quality measures of word vectors: functions of a vocabulary and of its rows, scaled to length 1."""

from vecmill.core.measures.accuracy import Accuracy
from vecmill.core.measures.analogies import AnalogyScore, AnalogySection, analogy_score
from vecmill.core.measures.groups import (
    CategorisationScore,
    OddOneOut,
    categorisation_score,
    odd_one_out_score,
)
from vecmill.core.measures.word_similarity import RatedPair, SimilarityScore, similarity_score

__all__ = [
    "Accuracy",
    "AnalogyScore",
    "AnalogySection",
    "CategorisationScore",
    "OddOneOut",
    "RatedPair",
    "SimilarityScore",
    "analogy_score",
    "categorisation_score",
    "odd_one_out_score",
    "similarity_score",
]
