"""What the README and the documentation show runs as it is shown."""

import doctest
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

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
# Pages with code that no test runs, and why.
CANNOT_RUN = {"datasets": "tables come from openml.org, and here is no network"}


def test_readme_code_runs_and_cleaning_helps(capsys):
    pytest.importorskip("imblearn", reason="the README shows imbalanced-learn")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", readme, flags=re.M | re.S)
    assert len(blocks) == 7

    # The first is run to the letter, and prints what its comment says.
    world = {}
    exec(compile(blocks[0], "README.md", "exec"), world)
    printed = capsys.readouterr().out.split("\n")
    said = re.search(r"# (0.*)$", blocks[0], flags=re.M)[1].split(", ")
    assert printed == [*said, ""]

    X, y = make_two_planes(800, random_state=0)
    X_train, X_test, y_true, y_test = train_test_split(
        X, y, test_size=0.75, random_state=0
    )
    y_train, _ = make_label_noise(y_true, 0.2, random_state=0)
    world.update(X_train=X_train, X_test=X_test, y_train=y_train, y_test=y_test)
    for block in blocks[1:]:
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
def test_documentation_page_shows_what_it_computes(page, monkeypatch, tmp_path):
    text = page.read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)  # pages write files, as ``memory="folder"`` does
    test = doctest.DocTestParser().get_doctest(text, {}, page.stem, str(page), 0)
    # As typed into a session, where classes can be pickled.
    session = ModuleType("__main__")
    test.globs = session.__dict__
    monkeypatch.setitem(sys.modules, "__main__", session)
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    outcome = doctest.DocTestRunner(optionflags=flags).run(test, clear_globs=False)
    plt.close("all")
    assert outcome.attempted > 0
    assert outcome.failed == 0


def test_all_code_is_prompted_so_that_it_is_run():
    """The test above runs it, but for the pages of CANNOT_RUN, and why."""
    unprompted = {
        page.stem
        for page in (ROOT / "doc").rglob("*.rst")
        if not {"auto_examples", "generated", "_build"} & set(page.parts)
        and re.search(
            r"code-block:: +python|^ {3,}(import|from \S+ import) ",
            _without_sessions(page.read_text(encoding="utf-8")),
            flags=re.M,
        )
    }
    assert unprompted == set(CANNOT_RUN)


def _without_sessions(text):
    """A page without its blocks of a shell, such as ``python -c``."""
    return re.sub(
        r"^( *)\.\. code-block:: +(console|bash)\n(\n|\1 +.*\n)*", "", text, flags=re.M
    )


@pytest.mark.parametrize("folder", ["tutorials", "howto"])
def test_every_recipe_is_run(folder):
    pages = sorted((ROOT / "doc" / folder).glob("*.rst"))
    assert len(pages) > 5
    for page in pages:
        assert page in PAGES or page.stem == "index", page
        index = (page.parent / "index.rst").read_text(encoding="utf-8")
        assert page.stem == "index" or f"\n   {page.stem}\n" in index, page


def test_the_picture_of_the_methods_is_of_their_tables():
    path = ROOT / "doc" / "pictures.py"
    spec = importlib.util.spec_from_file_location("pictures", path)
    pictures = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pictures)
    tables = pictures.tables()
    assert [row[0] for row in tables["ROC-AUC, wrong labels"]][
        1
    ] == "`ConsensusValuator`"
    assert all(len(row) == 9 for row in tables["ROC-AUC, wrong labels"])
    assert pictures.digest() in pictures.COMPARISON.read_text(encoding="utf-8")
