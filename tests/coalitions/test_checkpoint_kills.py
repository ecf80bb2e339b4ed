"""A fit that SIGKILL ends again and again goes on as if nothing had happened."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from checkpoint_kills import VALUATORS, X, Y, result
from sklearn.base import clone

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="needs os.fork and SIGKILL"
)

# To start workers takes longer than such a fit.
KILLS = {name: 1 if "workers" in name else 3 for name in VALUATORS}


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Kills, progress and values of each valuator."""
    folder = tmp_path_factory.mktemp("kills")
    here = Path(__file__).parent
    subprocess.run(
        [
            *(sys.executable, here / "checkpoint_kills.py", folder),
            *(f"{name}={kills}" for name, kills in KILLS.items()),
        ],
        check=True,
        # What chooses the kernels of BLAS, and so last digits, is inherited.
        env=os.environ
        | {
            "PYTHONPATH": f"{here.parents[1]}:{here.parent}",
            "OMP_NUM_THREADS": "1",
        },
    )
    return json.loads((folder / "kills.json").read_text()), folder


@pytest.mark.parametrize("name", VALUATORS)
def test_resume_after_kills_is_bitwise_identical(name, killed):
    results, folder = killed
    kills, progress, values = results[name]
    assert kills == KILLS[name]
    # What was saved before a kill is there after it, and is not computed again.
    assert progress == sorted(progress)
    assert 0 < progress[0] < progress[-1]
    assert values == result(clone(VALUATORS[name]).fit(X, Y))
    place = folder / str(list(KILLS).index(name))
    names = {path.name for path in place.iterdir()}
    assert names <= {"result.json", "values.ckpt", "values.ckpt.validation"}
