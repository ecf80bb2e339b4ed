"""The reproduction of the NDDV paper runs, and goes on where it was stopped."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[1] / "examples" / "benchmarks"

pd = pytest.importorskip("pandas")
pytest.importorskip("matplotlib")


def run(*arguments):
    return subprocess.run(
        [sys.executable, FOLDER / "nddv_paper.py", "--quick", *map(str, arguments)],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"MPLBACKEND": "agg"},
    ).stdout


def module(monkeypatch, name):
    monkeypatch.syspath_prepend(FOLDER)
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def test_quick_run_makes_a_table_and_a_picture_of_everything(tmp_path):
    run("--folder", tmp_path)
    experiments = {path.stem for path in tmp_path.glob("*.csv")}
    assert len(experiments) == 8
    assert {path.stem for path in tmp_path.glob("*.svg")} == experiments
    frames = {name: pd.read_csv(tmp_path / f"{name}.csv") for name in experiments}
    assert all(np.isfinite(frame["value"]).all() for frame in frames.values())
    detection = frames["detection"]
    # Half of the digits' wrong labels are among the tenth of lowest value, or more.
    found = detection[
        (detection["figure"] == "found")
        & (detection["method"] == "NDDV")
        & np.isclose(detection["at"], 0.3)
    ]
    assert found["value"].item() > 0.5
    # A run that is complete computes nothing, and a cell that is lost is computed.
    path = tmp_path / "detection.csv"
    lost = detection[detection["method"] != "KNN Shapley"]
    lost.to_csv(path, index=False)
    printed = run("detection", "--folder", tmp_path)
    lines = [line for line in printed.splitlines() if line.startswith("detection (")]
    assert len(lines) == 1
    assert "KNN Shapley" in lines[0]
    again = pd.read_csv(path).set_index(["method", "figure", "at"])["value"]
    before = detection.set_index(["method", "figure", "at"])["value"]
    timed = ["seconds", "cpu_seconds"]
    same = again.drop(timed, level="figure").sort_index()
    assert same.equals(before.drop(timed, level="figure").sort_index())


def test_tables_set_ours_beside_theirs(monkeypatch):
    tables = module(monkeypatch, "_nddv_paper_tables")
    rows = [
        ("2dplanes", "labels", 0.1, 1000, 0, method, seed, figure, np.nan, value)
        for method, seed, figure, value in [
            ("NDDV, paper", 0, "two_means_f1", 0.7),
            ("NDDV, paper", 1, "two_means_f1", 0.8),
            ("NDDV, paper", 0, "roc_auc", 0.9),
            ("NDDV", 0, "two_means_f1", 0.85),
            ("NDDV", 0, "roc_auc", 0.98),
            *((name, 0, "cpu_seconds", 1.0) for name in ("NDDV", "NDDV, paper")),
        ]
    ]
    columns = ["data", "noise", "rate", "n", "d", "method", "seed"]
    columns += ["figure", "at", "value"]
    frame = pd.DataFrame(rows, columns=columns)
    (title, f1), (_, auc), _ = tables.tables("detection", frame)
    assert "1 to 2 seeds" in title
    assert f1.loc["NDDV, paper", "2dplanes"] == ".75 / .67"
    assert f1.loc["NDDV", "2dplanes"] == ".85"
    assert auc["2dplanes"].tolist() == [".900", ".980"]
    noise = frame.assign(rate=[0.1, 0.3, *[0.1] * 5])
    _, f1 = tables.tables("label_noise", noise)[0]
    assert f1.loc["NDDV, paper", 0.3] == ".80 / .78"
    # 2p / (1 + p): recall 1 at precision p.
    assert f1.loc["all rows flagged"].tolist() == [".18", ".46"]


def test_tables_of_a_page_are_replaced_and_nothing_else(monkeypatch):
    tables = module(monkeypatch, "_nddv_paper_tables")
    columns = ["data", "figure", "at", "value"]
    lines = [
        ("pol", f"{c} loss", at, at / 4) for c in ("meta", "training") for at in (1, 2)
    ]
    frames = {"training": pd.DataFrame(lines, columns=columns)}
    old = (
        ".. list-table:: Old\n   :header-rows: 1\n\n   * - 1\n     - 2\n\n   * - 3\n\n"
    )
    page = (
        f"Losses\n\n.. nddv_paper.py: training 0\n\n{old}Text.\n\n"
        f".. nddv_paper.py: ablation 1\n\n{old}   .. indented\n\nEnd.\n"
    )
    filled = tables.fill(page, frames)
    before, _, after = filled.partition(".. nddv_paper.py: training 0\n\n")
    table, _, after = after.partition("Text.\n\n")
    assert before == "Losses\n\n"
    assert table.startswith(".. list-table:: Figures S1 and S2")
    assert (
        table.split()
        == tables._list_table(*tables.tables("training", frames["training"])[0]).split()
    )
    assert after == page.partition("Text.\n\n")[2]
    assert tables.fill(filled, frames) == filled


def test_every_method_of_the_paper_is_there(monkeypatch):
    methods = module(monkeypatch, "_nddv_paper_methods")
    tables = module(monkeypatch, "_nddv_paper_tables")
    assert set(tables.METHODS_OF_PAPER) <= set(methods.METHODS)
    valuator, held_out = methods.METHODS["NDDV, paper"]
    assert held_out == "meta"
    assert valuator(100).max_epochs == 50
    interaction = [v(100) for name, (v, _) in methods.VARIANTS.items() if "T =" in name]
    assert {v.interaction for v in interaction} == {0.0, 1.0, 3.0, 5.0, 10.0}
    assert all(v.interaction / v.n_steps < 2 for v in interaction)
