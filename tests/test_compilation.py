"""Our kernels leave the extensions of numba alone."""

import subprocess
import sys

SCRIPT = """
import sys
import torch
from hepdensity.models.layers.spline import spline_forward
spline_forward(torch.rand(1, 4), torch.zeros(1, 13, 4), 4)
print("numba" in sys.modules, "vector" in sys.modules)
import numba
numba.njit(lambda x: x)(1)
print("vector" in sys.modules)
"""


def test_kernels_need_no_extension_but_other_code_gets_them() -> None:
    command = [sys.executable, "-c", SCRIPT]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert said.split() == ["True", "False", "True"]
