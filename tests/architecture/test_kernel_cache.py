"""Compiled kernels are kept for exactly the text of all of them."""

import os

import numba
import pytest

from sewcell.kernel_cache import VARIABLE, digest_kernels

FILES = {
    "outer.py": "from numba import njit\nfrom cell.inner import double\n\n@njit\ndef run(x): return double(x)\n",
    "inner.py": "from numba import njit\nfrom cell.constants import TWO\n\n@njit\ndef double(x): return TWO * x\n",
    "constants.py": "TWO = 2.0\n",
    "words.py": "HELLO = 'good morning'\n",
}


@pytest.mark.parametrize(
    ("changed", "anew"), [("outer.py", True), ("inner.py", True), ("constants.py", True), ("words.py", False)]
)
def test_a_changed_kernel_or_constant_asks_for_compiling_anew_and_other_text_does_not(tmp_path, changed, anew):
    package = tmp_path / "cell"
    package.mkdir()
    for name, text in FILES.items():
        (package / name).write_text(text)
    before = digest_kernels([package])
    (package / changed).write_text(FILES[changed] + "# changed\n")
    assert (digest_kernels([package]) != before) is anew


def test_numba_has_been_told():
    assert os.environ[VARIABLE] == numba.config.CACHE_DIR
