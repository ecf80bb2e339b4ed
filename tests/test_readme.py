"""What the README and the documentation show runs as it is shown."""

import doctest
import re
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from sklearn.model_selection import train_test_split

from skvalue.datasets import make_label_noise, make_two_planes

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    page
    for page in (ROOT / "doc").rglob("*.rst")
    if not {"auto_examples", "generated", "_build"} & set(page.parts)
    and ">>> " in page.read_text(encoding="utf-8")
)


def test_readme_code_runs_and_cleaning_helps(monkeypatch):
    pytest.importorskip("imblearn", reason="the README shows imbalanced-learn")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", readme, flags=re.M | re.S)
    assert len(blocks) == 6

    X, y = make_two_planes(800, random_state=0)
    X_train, X_test, y_true, y_test = train_test_split(
        X, y, test_size=0.75, random_state=0
    )
    y_train, _ = make_label_noise(y_true, 0.2, random_state=0)
    world = {
        "X_train": X_train,
        "X_test": X_test,
        "y_train": y_train,
        "y_test": y_test,
    }
    for block in blocks:
        exec(compile(_quick(block), "README.md", "exec"), world)

    assert set(world["search"].best_params_) == {
        "nddvvaluator__drop",
        "nddvvaluator__interaction",
    }
    new = world["amortized"].predict_values(X_test, y_test)
    wrong = world["amortized"].predict_values(X_test, 1 - y_test)
    assert new.mean() > wrong.mean()
    assert len(world["X_clean"]) == len(world["y_clean"]) < len(X_train)
    assert len(world["wrong"]) > 0 and isinstance(world["X"], pd.DataFrame)
    cleaned = world["curated"].fit(X_train, y_train).score(X_test, y_test)
    raw = world["KNeighborsClassifier"]().fit(X_train, y_train).score(X_test, y_test)
    assert cleaned > raw


def _quick(block):
    """The same code with smaller networks and a search in one process."""
    block = block.replace("NDDVValuator(random_state=0)", "NDDVValuator()")
    block = block.replace(
        "NDDVValuator()", "NDDVValuator(n_members=2, max_epochs=12, random_state=0)"
    )
    return block.replace("n_jobs=2", "cv=2")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_documentation_page_shows_what_it_computes(page):
    failures, tests = doctest.testfile(
        str(page),
        module_relative=False,
        encoding="utf-8",
        optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS,
    )
    plt.close("all")
    assert tests > 0
    assert failures == 0
