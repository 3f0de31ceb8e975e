"""vecmill: word embeddings on stock Apache Spark, from raw text of any size to word vectors.

This module stays light: executors import it from a wheel, where only NumPy and PyArrow are at hand.
"""

__version__ = "0.1.0"
