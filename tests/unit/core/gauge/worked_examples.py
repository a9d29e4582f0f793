"""The two worked examples of AIAG, Measurement Systems Analysis, 4th edition: their data alone.

Table III-B (gauge R&R: 10 parts, 3 appraisers, 3 trials) and table III-C (attribute study: 50 parts, 3 appraisers,
3 trials, reference, reference value). In the attribute data 1 is an acceptable part.
"""

from __future__ import annotations

import numpy as np

_A = (
    (0.29, -0.56, 1.34, 0.47, -0.80, 0.02, 0.59, -0.31, 2.26, -1.36),
    (0.41, -0.68, 1.17, 0.50, -0.92, -0.11, 0.75, -0.20, 1.99, -1.25),
    (0.64, -0.58, 1.27, 0.64, -0.84, -0.21, 0.66, -0.17, 2.01, -1.31),
)
_B = (
    (0.08, -0.47, 1.19, 0.01, -0.56, -0.20, 0.47, -0.63, 1.80, -1.68),
    (0.25, -1.22, 0.94, 1.03, -1.20, 0.22, 0.55, 0.08, 2.12, -1.62),
    (0.07, -0.68, 1.34, 0.20, -1.28, 0.06, 0.83, -0.34, 2.19, -1.50),
)
_C = (
    (0.04, -1.38, 0.88, 0.14, -1.46, -0.29, 0.02, -0.46, 1.77, -1.49),
    (-0.11, -1.13, 1.09, 0.20, -1.07, -0.67, 0.01, -0.56, 1.45, -1.77),
    (-0.15, -0.96, 0.67, 0.11, -1.45, -0.49, 0.21, -0.49, 1.87, -2.16),
)
# (parts, appraisers, trials)
SCORES = np.array([_A, _B, _C]).transpose(2, 0, 1)

# One part a word: three looks of A, of B, of C, and the reference.
_LOOKS = """
1111111111 1111111111 0000000000 0000000000 0000000000 1101101001 1111111011 1111111111 0000000000 1111111111
1111111111 0000000100 1111111111 1101111001 1111111111 1111111111 1111111111 1111111111 1111111111 1111111111
1101010101 0010101100 1111111111 1111111111 0000000000 0100000010 1111111111 1111111111 1111111111 0000010000
1111111111 1111111111 1111111111 0010010110 1111111111 1101111011 0000000000 1111111111 0000000000 1111111111
1111111111 0000000000 1011111101 1111111111 0000000000 1111111111 1111111111 0000000000 1111111111 0000000000
"""
_TABLE = np.array([[int(sign) for sign in word] for word in _LOOKS.split()], np.int8)
# As the program counts: 1 where the part was stopped.
STOPPED = {name: 1 - _TABLE[:, 3 * place : 3 * place + 3] for place, name in enumerate("ABC")}
DEFECTIVE = 1 - _TABLE[:, 9]

# How often each category was said of each subject by 14 raters (Fleiss 1971; as often reprinted).
FLEISS_COUNTS = np.array(
    [
        (0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1),
        (7, 7, 0, 0, 0), (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7),
    ],
    dtype=np.float64,
)  # fmt: skip
