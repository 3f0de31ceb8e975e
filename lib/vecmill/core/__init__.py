"""The mathematics, in NumPy and Numba: sampling, windows, kernels, merging, measures.

Nothing here knows Spark or reads a file. Only `kernels.code_cache` writes files: compiled kernels.
"""
