"""Evaluation of word vectors: test files, scores, their tables, and gender bias."""
