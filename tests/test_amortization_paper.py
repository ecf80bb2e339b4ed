"""The reproduction of the amortization paper runs, and goes on where it was ended."""

import csv
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "examples" / "benchmarks"

pytest.importorskip("matplotlib")


def run(*arguments):
    return subprocess.run(
        [sys.executable, FOLDER / "amortization_paper.py", *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"MPLBACKEND": "agg"},
    )


def figures_of(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_quick_run_makes_figures_and_goes_on_from_them(tmp_path):
    options = "--quick", "--folder", tmp_path
    done = run("attribution", "values", "detection", *options)
    assert done.returncode == 0, done.stderr
    lines = figures_of(tmp_path / "quick.csv")
    tables = {line["table"] for line in lines}
    assert tables >= {"labels", "single", "fastshap", "norms", "others", "rows"}
    assert tables >= {"values", "detection"}
    assert all(math.isfinite(float(line["value"])) for line in lines)
    pictures = {path.stem for path in tmp_path.glob("*.png")}
    assert len(pictures) >= 10
    assert all(line.split(",")[0] in done.stdout for line in ("Figure 2,", "Table 2,"))

    def mean(table, name, **given):
        found = [
            float(line["value"])
            for line in lines
            if line["table"] == table
            and line["name"] == name
            and given.items() <= line.items()
        ]
        return sum(found) / len(found)

    # More coalitions, less error; and what is learned from wrong labels of values.
    few, many = (
        mean("labels", "labels squared_error", method="kernel_shap", amount=amount)
        for amount in ("2.5", "20")
    )
    assert many < few
    one = {"amount": "1"}
    assert mean("values", "combined pearson", **one) > mean(
        "values", "labels pearson", **one
    )
    # What is there is not measured again: a figure that was changed stays so.
    path = tmp_path / "quick.csv"
    before = path.read_text()
    changed = before.replace("values,breast_cancer", "values,changed", 1)
    path.write_text(changed)
    again = run("--draw", *options)
    assert again.returncode == 0, again.stderr
    assert path.read_text() == changed
    assert "Table 2" in again.stdout


def test_unknown_experiments_are_named(tmp_path):
    done = run("values", "figure9", "--folder", tmp_path)
    assert done.returncode == 2
    assert "no such experiment: figure9" in done.stderr
