"""Nanoseconds per row and centre of one Lloyd iteration of scikit-learn, one thread.

    python3 scikit_learn.py [rows]

The time of a fit that stops after one iteration is taken from that of a fit of up to 21, so that checks, copies and
the last labelling drop out. What remains holds scikit-learn's sums for the new centres too.
"""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import sys
import time
import warnings

import numpy
import sklearn
from sklearn.cluster import KMeans

ITERATIONS = 21


def fit(data, centres, iterations):
    """Seconds of the fastest of five fits, and the iterations that they took."""
    best = float("inf")
    for _ in range(5):
        model = KMeans(len(centres), init=centres, n_init=1, algorithm="lloyd", tol=0, max_iter=iterations)
        start = time.perf_counter()
        model.fit(data)
        best = min(best, time.perf_counter() - start)
    return best, model.n_iter_


def main():
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    print(f"scikit-learn {sklearn.__version__}, numpy {numpy.__version__}, {rows} rows, float64, one thread")
    random = numpy.random.default_rng(1)
    for dim in (2, 10, 20, 32):
        data = random.random((rows, dim))
        for k in (2, 5, 8, 10, 64):
            centres = data[:k].copy()
            short, one = fit(data, centres, 1)
            long, many = fit(data, centres, ITERATIONS)
            print(f"d={dim:2} k={k:2}: {(long - short) / (many - one) / rows / k * 1e9:6.2f} ns")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
