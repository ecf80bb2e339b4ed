"""The command line: what is read, what is written, and the one line of every error."""

import codecs
import csv
import gzip
import io
import os
import re
import shlex
import subprocess
import sys
import textwrap
import warnings
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

import skvalue
from skvalue import ConsensusValuator, SelfConfidence
from skvalue.__main__ import main
from skvalue._command_line import run
from skvalue._command_line.duplicates import find_duplicates, in_held_out
from skvalue._command_line.histogram import histogram
from skvalue._command_line.kinds import typed
from skvalue._command_line.methods import (
    METHODS,
    MOST_FOR_CONSENSUS,
    choose,
    make_valuator,
)
from skvalue._command_line.text import find_separator
from skvalue.datasets import make_label_noise, make_mixed_table

QUICK = ["--method", "self-confidence", "--n-jobs", "1"]
N_ROWS = 120
DATA = os.environ.get("SKVALUE_DATA")


def make_lines(separator=","):
    """A table of text with quotes, gaps and codes; its wrong rows."""
    X, y, is_wrong = make_mixed_table(N_ROWS, minority=0.4, wrong=0.1, random_state=0)
    lines = [separator.join(["code", "age", "income", "job", "source", "label"])]
    for row in range(N_ROWS):
        cells = [
            f"{row % 7:03d}",
            _cell(X["age"].iloc[row]),
            _cell(X["income"].iloc[row]),
            f'"{X["job"].iloc[row]}{separator} ""or"" so"',
            ["web", "shop"][row % 2],
            f"class {y.iloc[row]}",
        ]
        lines.append(separator.join(cells))
    return lines, is_wrong


def _cell(value):
    return "" if pd.isna(value) else f"{value:.2f}"


@pytest.fixture
def table(tmp_path):
    """Path of a table of text."""
    path = tmp_path / "data.csv"
    path.write_text("\n".join(make_lines()[0]) + "\n", encoding="utf-8", newline="")
    return path


def call(capsys, *arguments):
    """Exit code, stdout, stderr."""
    code = main([str(argument) for argument in arguments])
    return code, *capsys.readouterr()


def fails(capsys, *arguments):
    """The one line of an error."""
    code, out, err = call(capsys, *arguments)
    line = err.splitlines()[-1]
    assert code == 2
    assert out == ""
    assert line.startswith("skvalue: error: ")
    assert "Traceback" not in err
    return line.removeprefix("skvalue: error: ")


class Page(HTMLParser):
    """Tags that are open, all tags and attributes, and the text."""

    VOID = {"meta", "rect", "line", "br"}

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.attributes, self.text = [], [], [], ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


# ------------------------------------------------------------------------- cleaning


def test_clean_writes_the_very_lines_of_the_rows_kept(table, tmp_path, capsys):
    out, values = tmp_path / "out.csv", tmp_path / "values.csv"
    code, said, err = call(
        capsys,
        *("clean", table, "--target", "label", "--group", "source", *QUICK),
        *("--out", out, "--values", values, "--report", tmp_path / "report.html"),
    )
    assert code == 0, err
    lines = table.read_text(encoding="utf-8").splitlines(keepends=True)
    frame = pd.read_csv(values, dtype={"label": str})
    assert list(frame["row"]) == list(range(1, N_ROWS + 1))
    kept = [line for line, keep in zip(lines[1:], frame["kept"], strict=True) if keep]
    assert 0 < len(kept) < N_ROWS
    assert out.read_text(encoding="utf-8") == "".join([lines[0], *kept])
    assert f"{len(kept)} of {N_ROWS} rows kept" in said
    assert "[SelfConfidence] 5 of 5 folds" in err
    assert sorted(os.listdir(tmp_path)) == [
        "data.csv",
        "out.csv",
        "report.html",
        "values.csv",
    ]


def test_values_are_those_of_the_valuator_and_find_wrong_labels(
    table, tmp_path, capsys
):
    values = tmp_path / "values.csv"
    call(capsys, "clean", table, "--target", "label", *QUICK, "--values", values)
    frame = pd.read_csv(values)
    X = pd.read_csv(table, dtype={"code": str})
    y = X.pop("label")
    expected = SelfConfidence(random_state=0).fit(X, y)
    np.testing.assert_allclose(frame["value"], expected.data_values_, rtol=1e-9)
    assert list(frame["kept"]) == list(expected.get_support())
    assert list(frame["label"]) == list(y)
    assert set(frame["suggested_label"]) <= set(y)
    assert roc_auc_score(make_lines()[1], -frame["value"]) > 0.7


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_the_valuator_that_it_names(method):
    valuator = METHODS[method]()
    assert method.removeprefix("quick-").replace("-", "") in (
        type(valuator).__name__.lower()
    )


def test_the_consensus_is_that_of_the_package():
    made = make_valuator("consensus", drop="auto", random_state=0, n_jobs=3)
    names, members, _ = made._members()
    own_names, own_members, _ = ConsensusValuator()._members()
    assert names == own_names
    for member, own in zip(members, own_members, strict=True):
        # What is set besides changes no value.
        own.set_params(n_jobs=3, verbose=1)
        assert repr(member) == repr(own)


@pytest.mark.skipif(DATA is None, reason="SKVALUE_DATA is not set")
def test_adult_with_strings_and_gaps(tmp_path, capsys):
    with np.load(Path(DATA) / "adult.npz") as file:
        rows = np.random.default_rng(0).permutation(len(file["y"]))[:2000]
        X, y = file["X"][rows], file["y"][rows]
        categorical = set(file["cat_idx"].tolist())
    frame = pd.DataFrame(
        {
            f"c{j}": [f" level {code}" for code in column]
            if j in categorical
            else column
            for j, column in enumerate(X.T)
        }
    )
    frame = frame.mask(np.random.default_rng(1).random(frame.shape) < 0.05)
    y, is_wrong = make_label_noise(
        np.where(y == 1, ">50K", "<=50K"), 0.1, random_state=0
    )
    path, values = tmp_path / "adult.csv", tmp_path / "values.csv"
    frame.assign(income=y).to_csv(path, index=False, na_rep="?")
    arguments = ["--values", values, "--report", tmp_path / "report.html", *QUICK]
    code, _, err = call(capsys, "clean", path, "--target", "income", *arguments)
    assert code == 0, err
    assert "2000 rows, 14 features" in err
    assert roc_auc_score(is_wrong, -pd.read_csv(values)["value"]) > 0.85


def test_large_tables_get_the_quick_consensus_and_a_reason():
    assert choose("auto", MOST_FOR_CONSENSUS) == ("consensus", "")
    method, why = choose("auto", MOST_FOR_CONSENSUS + 1)
    assert method == "quick-consensus"
    assert "--method consensus" in why
    assert choose("nddv", 10**6) == ("nddv", "")


def test_the_default_name_of_the_cleaned_file(table, capsys):
    packed = table.with_name("packed.csv.gz")
    packed.write_bytes(gzip.compress(table.read_bytes()))
    values = table.with_name("values.csv.gz")
    arguments = ["--values", values, *QUICK]
    assert call(capsys, "clean", packed, "--target", "label", *arguments)[0] == 0
    assert len(pd.read_csv(values)) == N_ROWS
    text = gzip.decompress(table.with_name("packed_clean.csv.gz").read_bytes())
    assert text.startswith(b"code,age,")


@pytest.mark.parametrize(
    ("separator", "encoding", "mark", "end"),
    [
        (";", "utf-8", b"", "\r\n"),
        ("\t", "utf-8", codecs.BOM_UTF8, "\n"),
        (",", "utf-16-le", codecs.BOM_UTF16_LE, "\n"),
        (",", "utf-16-be", b"", "\r\n"),
        (";", "latin-1", b"", "\n"),
    ],
)
def test_any_dialect_comes_back_as_it_was(
    separator, encoding, mark, end, tmp_path, capsys
):
    lines, _ = make_lines(separator)
    lines[0] = lines[0].replace("income", "größe")
    path, out = tmp_path / "data.txt", tmp_path / "out.txt"
    path.write_bytes(mark + (end.join(lines) + end).encode(encoding))
    share = ["--drop", "0.1"]
    code, _, err = call(
        capsys, "clean", path, "--target", "label", "--out", out, *QUICK, *share
    )
    assert code == 0, err
    assert ("Latin-1" in err) == (encoding == "latin-1")
    data = out.read_bytes()
    assert data.startswith(mark)
    kept = data[len(mark) :].decode(encoding).split(end)
    assert kept.pop() == ""
    assert len(kept) == 1 + N_ROWS - N_ROWS // 10
    assert kept[0] == lines[0]
    rest = iter(lines)
    assert all(line in rest for line in kept)  # in order


def test_parquet_keeps_types_and_metadata(table, tmp_path, capsys):
    parquet = pytest.importorskip("pyarrow.parquet")
    frame = pd.read_csv(table, dtype={"code": str, "job": "category"})
    frame["when"] = pd.date_range("2024-01-01", periods=N_ROWS)
    frame["flag"] = np.arange(N_ROWS) % 2 == 0
    path, out = tmp_path / "data.parquet", tmp_path / "out.parquet"
    frame.to_parquet(path)
    values = tmp_path / "values.parquet"
    arguments = ["--out", out, "--values", values, *QUICK]
    code, _, err = call(capsys, "clean", path, "--target", "label", *arguments)
    assert code == 0, err
    kept = pd.read_parquet(values)["kept"].to_numpy()
    assert parquet.read_schema(out).equals(parquet.read_schema(path), True)
    expected = frame[kept].reset_index(drop=True)
    back = pd.read_parquet(out).reset_index(drop=True)
    pd.testing.assert_frame_equal(back, expected)


def test_rows_without_a_target_are_counted_and_left_out(table, tmp_path, capsys):
    lines = table.read_text(encoding="utf-8").splitlines()
    for row, cell in [(3, ""), (5, "?"), (6, " ")]:
        lines[row] = lines[row].rpartition(",")[0] + "," + cell
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    out, values = tmp_path / "out.csv", tmp_path / "values.csv"
    arguments = ["--out", out, "--values", values, "--drop", "0", *QUICK]
    code, said, err = call(capsys, "clean", table, "--target", "label", *arguments)
    assert code == 0
    assert f"no target in 3 of {N_ROWS} rows ('' in 2, '?' in 1)" in err
    assert f"{N_ROWS - 3} of {N_ROWS - 3} rows kept, 0 dropped" in said
    frame = pd.read_csv(values)
    assert list(np.flatnonzero(frame["value"].isna())) == [2, 4, 5]
    assert list(np.flatnonzero(~frame["kept"])) == [2, 4, 5]
    written = out.read_text(encoding="utf-8").splitlines()
    assert written == [line for at, line in enumerate(lines) if at not in {3, 5, 6}]
    # A marker that is not one is a class.
    arguments = ["--out", out, "--force", "--missing", "", "--drop", "0", *QUICK]
    _, _, err = call(capsys, "clean", table, "--target", "label", *arguments)
    assert f"no target in 2 of {N_ROWS} rows ('' in 2)" in err


def test_regression_and_its_report(tmp_path, capsys):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3))
    y = X @ [1.0, 2.0, 0.0] + 0.1 * rng.normal(size=80)
    y[:4] += 9
    frame = pd.DataFrame(X, columns=list("abc")).assign(price=y)
    path, report = tmp_path / "data.csv", tmp_path / "data_report.html"
    frame.to_csv(path, index=False)
    code, _, err = call(capsys, "report", path, "--target", "price", *QUICK)
    assert code == 0, err
    assert "regression" in err
    text = Page(report.read_text(encoding="utf-8")).text
    assert "What was dropped by tenth of the target" in text
    assert "suggested label" not in text
    assert sorted(os.listdir(tmp_path)) == ["data.csv", "data_report.html"]


def test_whole_numbers_are_asked_about(tmp_path, capsys):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=60), "y": rng.permutation(60) * 3})
    path = tmp_path / "data.csv"
    frame.to_csv(path, index=False)
    line = fails(capsys, "report", path, "--target", "y", *QUICK)
    assert "'y' holds 60 different whole numbers" in line
    assert "--task regression" in line
    options = ["--task", "regression", *QUICK]
    assert call(capsys, "report", path, "--target", "y", *options)[0] == 0
    frame.assign(y=rng.integers(25, size=60)).to_csv(path, index=False)
    find = run.find_problem
    source = run.read_table(str(path))
    valuator = SelfConfidence()
    assert find(source, "y", valuator=valuator).task == "classification"
    assert "skvalue: warning: 'y' holds 2" in capsys.readouterr().err


def test_labels_are_written_as_they_were(tmp_path, capsys):
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=60)
    lines = ["a,y"]
    lines += [f"{rng.normal(3 * k, 1):.3f},{['1', '0'][k]}" for k in y]
    lines[5] = lines[5][:-1] + {"1": "1.0", "0": "0.0"}[lines[5][-1]]
    path, values = tmp_path / "data.csv", tmp_path / "values.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    call(capsys, "clean", path, "--target", "y", "--values", values, *QUICK)
    frame = pd.read_csv(values, dtype=str)
    assert set(frame["label"]) - {"0", "1"} == {lines[5].rpartition(",")[2]}
    assert set(frame["suggested_label"]) == {"0", "1"}


# ------------------------------------------------------------------- columns, cells


def test_ids_empty_columns_and_ignored_ones_are_no_features(table, tmp_path, capsys):
    frame = pd.read_csv(table, dtype=str)
    frame.insert(0, "number", np.arange(N_ROWS))
    frame["userId"] = np.arange(N_ROWS) ** 2
    frame["hash"] = [f"x{row}" for row in range(N_ROWS)]
    frame["nothing"] = "NA"
    frame["free text"] = [f"words of row {row}" for row in range(N_ROWS)]
    path = tmp_path / "ids.csv"
    frame.to_csv(path, index=False)
    source = run.read_table(str(path))
    find = {"target": "label", "valuator": SelfConfidence()}
    problem = run.find_problem(source, ignore=["age"], group="source", **find)
    assert list(problem.X) == ["code", "income", "job", "free text"]
    assert problem.left_out == {
        "label": "the target",
        "source": "the group",
        "age": "ignored",
        "number": "another in every row, an id",
        "userId": "another in every row, an id",
        "hash": "another in every row, an id",
        "nothing": "empty",
    }
    assert len(run.find_problem(source, use_ids=True, **find).features) == 9


def test_columns_of_one_name_are_told_apart_and_kept(tmp_path, capsys):
    lines, _ = make_lines()
    lines[0] = "code,age,age,job,,label"
    path, out = tmp_path / "data.csv", tmp_path / "out.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    arguments = ["--out", out, "--drop", "0", *QUICK]
    assert call(capsys, "clean", path, "--target", "label", *arguments)[0] == 0
    assert out.read_bytes() == path.read_bytes()
    names = run.read_table(str(path)).names
    assert names == ["code", "age", "age (2)", "job", "column 5", "label"]
    line = fails(capsys, "report", path, "--target", "age")
    assert "2 columns named 'age'" in line


@pytest.mark.parametrize(
    ("cells", "separator", "expected"),
    [
        (["1", " 2", ""], ",", [1.0, 2.0, np.nan]),
        (["1", "2"], ",", [1, 2]),
        (["007", "8"], ",", ["007", "8"]),
        (["0.5", "-1e3"], ",", [0.5, -1000.0]),
        (["1_000", "2"], ",", ["1_000", "2"]),
        (["1,5", "2"], ";", [1.5, 2.0]),
        (["1,5", "2"], ",", ["1,5", "2"]),
        (["a", "?", "3"], ",", ["a", None, "3"]),
        (["2024-01-31", "NA"], ",", [pd.Timestamp("2024-01-31"), pd.NaT]),
        (["2024-13-31", "2024-01-01"], ",", ["2024-13-31", "2024-01-01"]),
    ],
)
def test_what_a_column_holds(cells, separator, expected):
    column = typed(cells, separator)
    assert list(column.isna()) == list(pd.isna(expected))
    known = column.notna()
    assert list(column[known]) == list(pd.Series(expected)[known])
    is_text = any(isinstance(value, str) for value in expected)
    assert (column.dtype == object) == is_text


def test_separators_and_line_breaks_inside_of_quotes(tmp_path):
    text = ' \r\na;b\r\n"1;2\r\nnext";3\r\n\r\n4;5'
    assert find_separator(text) == ";"
    path = tmp_path / "data.csv"
    path.write_bytes(text.encode())
    source = run.read_table(str(path))
    assert source.shown(0, [0, 1]) == ["1;2\r\nnext", "4"]
    written = io.BytesIO()
    source.write(written, np.array([0, 1]))
    assert written.getvalue() == text.encode()


# ---------------------------------------------------------------------- the report


def test_the_report_is_one_page_that_fetches_and_runs_nothing(table, tmp_path, capsys):
    evil = "<script>alert('&')</script>"
    lines = table.read_text(encoding="utf-8").splitlines()
    lines[0] = lines[0].replace("age", "<b>age</b>").replace("source", "<i>source")
    lines[1:] = [
        line.replace("so", evil).replace("web", "<u>web").replace("class 1", "<em>1")
        for line in lines[1:]
    ]
    path, report = tmp_path / "<i>.csv", tmp_path / "r.html"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    arguments = ["--report", report, "--group", "<i>source", "--held-out", table]
    line = fails(capsys, "report", path, "--target", "label", *arguments, *QUICK)
    assert "--held-out" in line and "'<b>age</b>'" in line
    arguments[-1] = tmp_path / "copy.csv"
    arguments[-1].write_text("\n".join(lines[:11]) + "\n", encoding="utf-8")
    rows = ["--rows", "7"]
    code, _, err = call(
        capsys, "report", path, "--target", "label", *arguments, *rows, *QUICK
    )
    assert code == 0, err
    html = report.read_text(encoding="utf-8")
    page = Page(html)
    assert page.open == []
    known = {"html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "p"}
    known |= {"dl", "div", "dt", "dd", "table", "thead", "tbody", "tr", "th", "td"}
    known |= {"svg", "line", "rect", "text"}
    assert set(page.tags) <= known
    assert not {"src", "href", "onload", "xlink:href"} & dict(page.attributes).keys()
    assert (
        "url(" not in html
        and "@import" not in html
        and "http" not in (html.replace("http-equiv", ""))
    )
    assert "prefers-color-scheme: dark" in html and "width=device-width" in html
    assert evil in page.text
    for part in [
        "The 7 rows of lowest value",
        "What was dropped by class",
        "What each <i>source is worth",
        "Rows that resemble each other",
        "10 rows stand in copy.csv",
    ]:
        assert part in page.text


def test_duplicates_by_each_rule():
    X = pd.DataFrame(
        {
            "name": ["Ann", "ann ", "Bob", "Bob", "Cid", "Dan", "Eve", None, None],
            "kg": [70.01, 70.02, 5, 5, 9, 9, 8, np.nan, np.nan],
            "a": [1, 1, 2, 2, 3, 3, 4, 5, 5],
            "b": list("rrssttuvv"),
            "c": list("rrssttuvv"),
        }
    )
    y = np.array(list("001100111"))
    found = find_duplicates(X, y)
    groups = {rule: [list(g) for g in part.groups] for rule, part in found.items()}
    assert groups == {
        "same": [[2, 3], [7, 8]],
        "near": [[0, 1]],
        "one apart": [[4, 5]],
    }
    assert found["same"].disagree == [False, False]
    assert find_duplicates(X, np.arange(9))["same"].disagree == [True, True]
    held_out = X.iloc[[3, 1, 6]].reset_index(drop=True)
    same, near = in_held_out(X, held_out)
    assert list(same) == [-1, 1, 0, 0, -1, -1, 2, -1, -1]
    assert list(near) == [1, 1, 0, 0, -1, -1, 2, -1, -1]


def test_near_numbers_agree_in_three_digits():
    numbers = [9.996, 10.0, 10.04, 10.06, -9.996, 0.0, 1e-12, 99960, 100000]
    numbers = pd.DataFrame({"a": numbers})
    found = find_duplicates(numbers, np.zeros(9))
    assert [list(rows) for rows in found["near"].groups] == [[0, 1, 2], [7, 8]]
    in_words = numbers.astype(object).assign(a=lambda X: [*X["a"][:8], "100,000"])
    found = find_duplicates(in_words, np.zeros(9))
    assert [list(rows) for rows in found["near"].groups] == [[0, 1, 2]]


def test_the_picture_holds_every_row():
    values = np.r_[np.random.default_rng(0).normal(size=999), -400.0]
    kept = values > -1
    svg = histogram(values, kept)
    heights = {"kept": 0.0, "dropped": 0.0}
    for line in svg.split("<rect")[1:]:
        parts = dict(part.split("=") for part in line.partition("/>")[0].split())
        if parts["width"] != '"12"':
            heights[parts["class"].strip('"')] += float(parts["height"].strip('"'))
    share = heights["dropped"] / sum(heights.values())
    assert share == pytest.approx(1 - kept.mean(), abs=0.01)
    assert "≤" in svg and "≥" not in svg
    assert "<rect" in histogram(np.zeros(5), np.ones(5, dtype=bool))


# -------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"a,label\n", "a header but no rows"),
        (b"a,b\n1,x\n2,y\n", "no column 'label'; it has 'a', 'b'"),
        (b"a,Label\n1,x\n2,y\n", "did you mean 'Label'?"),
        (b"a,label\n1,x\n2,x\n", "'label' is 'x' in every row"),
        (b"a,label\n1,\n2,x\n", "1 of 2 rows have a 'label'"),
        (b"a,label\n1,x\n2,y,z\n", "line 3: 3 cells, but the header has 2"),
        (b"label\nx\ny\n", "no column to value rows by"),
        (
            b"a,label\n" + b"".join(b"%d,n%d\n" % (i, i) for i in range(9)),
            "9 different",
        ),
        (b"\x1f\x8b broken", "no whole gzip file"),
        (b"PAR1 broken", "cannot be read as Parquet"),
        (b"\x00\x01\x02\x03", "neither text nor Parquet"),
        (codecs.BOM_UTF8 + b"a,\xff\n", "is not the utf-8 that it begins as"),
        (b"a,label\ninf,x\n" + b"1,x\n2,y\n" * 9, "infinity"),
    ],
)
def test_unusable_tables_are_one_line(content, expected, tmp_path, capsys):
    path = tmp_path / "data.csv"
    path.write_bytes(content)
    line = fails(capsys, "clean", path, "--target", "label", *QUICK)
    assert expected in line
    assert os.listdir(tmp_path) == ["data.csv"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "COMMAND"),
        (["clean", "data.csv"], "--target"),
        (["tidy"], "tidy"),
        (["clean", "no.csv", "--target", "label"], "no.csv: No such file"),
        (["clean", "data.csv", "--target", "label", "--drop", "1"], "--drop"),
        (["clean", "data.csv", "--target", "label", "--drop", "nan"], "--drop"),
        (["clean", "data.csv", "--target", "label", "--random-state", "x"], "integer"),
        (["clean", "data.csv", "--target", "label", "--n-jobs", "0"], "other than 0"),
        (["clean", "data.csv", "--target", "label", "--method", "magic"], "magic"),
        (["clean", "data.csv", "--target", "label", "--group", "label"], "same column"),
        (["clean", "data.csv", "--target", "label", "--group", "x"], "--group"),
        (["clean", "data.csv", "--target", "label", "--ignore", "x"], "--ignore"),
        (
            ["clean", "data.csv", "--target", "label", "--task", "regression"],
            "holds no numbers but 'class",
        ),
        (
            ["clean", "data.csv", "--target", "income", "--task", "classification"],
            "real targets",
        ),
        (["clean", "data.csv", "--target", "label", "--drop", "0.99"], "--drop 0.99"),
        (
            ["clean", "data.csv", "--target", "label", "--held-out", "no.csv"],
            "say --report FILE",
        ),
        (
            ["report", "data.csv", "--target", "label", "--held-out", "no.csv"],
            "no.csv: No such file",
        ),
    ],
)
def test_unusable_options_are_one_line(
    arguments, expected, table, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    arguments = arguments + (QUICK if "--target" in arguments else [])
    if "--method" in arguments[:-4]:
        arguments = arguments[:-4]
    assert expected in fails(capsys, *arguments)
    assert os.listdir(tmp_path) == ["data.csv"]


def test_nothing_is_overwritten_unasked(table, tmp_path, capsys):
    out = tmp_path / "out.csv"
    out.write_text("mine", encoding="utf-8")
    data = table.read_bytes()
    arguments = ["clean", table, "--target", "label", *QUICK, "--out"]
    assert "--force replaces it" in fails(capsys, *arguments, out)
    assert out.read_text(encoding="utf-8") == "mine"
    assert call(capsys, *arguments, out, "--force")[0] == 0
    assert out.read_bytes().startswith(b"code,")
    for same in [table, tmp_path / "." / "data.csv"]:
        assert "is the input" in fails(capsys, *arguments, same, "--force")
    link = tmp_path / "link.csv"
    link.symlink_to(table)
    assert "is the input" in fails(capsys, *arguments, link, "--force")
    assert table.read_bytes() == data
    report = ["--report", tmp_path / "both.csv"]
    assert "the same file" in fails(capsys, *arguments, tmp_path / "both.csv", *report)
    assert "no folder" in fails(capsys, *arguments, tmp_path / "no" / "out.csv")
    assert "is not a file" in fails(capsys, *arguments, tmp_path, "--force")
    assert "name of one of Parquet" in fails(capsys, *arguments, "out.parquet")


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="there is no /proc")
def test_unwritable_outputs_are_known_before_anything_is_computed(
    table, tmp_path, capsys, monkeypatch
):
    def computed(*args, **kwargs):
        raise AssertionError

    monkeypatch.setattr(run, "_value", computed)
    # /proc takes no files, not even from root.
    line = fails(capsys, "clean", table, "--target", "label", "--out", "/proc/out.csv")
    assert "cannot write /proc/out.csv" in line


def test_a_failure_while_writing_leaves_nothing(table, tmp_path, capsys, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run, "_write_values", full)
    outputs = ["--out", tmp_path / "out.csv", "--values", tmp_path / "values.csv"]
    line = fails(capsys, "clean", table, "--target", "label", *QUICK, *outputs)
    assert "No space left" in line
    assert os.listdir(tmp_path) == ["data.csv"]


def test_without_pandas_one_line_says_what_to_install(table, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert "pip install 'skvalue[cli]'" in fails(
        capsys, "clean", table, "--target", "label"
    )


def test_an_interrupt_is_130_and_no_trace(table, tmp_path, capsys, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "_value", interrupted)
    code, _, err = call(capsys, "clean", table, "--target", "label", *QUICK)
    assert code == 130
    assert err.splitlines()[-1] == "skvalue: error: interrupted; nothing was written."
    assert os.listdir(tmp_path) == ["data.csv"]


def test_warnings_are_lines_each_once(table, capsys, monkeypatch):
    fit = SelfConfidence.fit

    def warning(self, *args, **kwargs):
        for _ in range(2):
            warnings.warn("the solver\nis tired", UserWarning, stacklevel=1)
        return fit(self, *args, **kwargs)

    monkeypatch.setattr(SelfConfidence, "fit", warning)
    code, _, err = call(capsys, "report", table, "--target", "label", *QUICK)
    assert code == 0
    assert err.count("skvalue: warning: the solver is tired") == 1


def test_a_bug_shows_its_place_when_asked(table, monkeypatch):
    def broken(*args, **kwargs):
        raise ZeroDivisionError

    monkeypatch.setattr(run, "_value", broken)
    with pytest.raises(ZeroDivisionError):
        main(["report", str(table), "--target", "label", "--debug"])


def test_the_session_of_the_guide(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    guide = Path(__file__).parents[1] / "doc" / "user_guide" / "command_line.rst"
    session = re.search(
        r"code-block:: console\n\n(.*?)\n\n(?=\S)",
        guide.read_text(encoding="utf-8"),
        flags=re.S,
    )[1]
    session = textwrap.dedent(session).replace("\\\n", "")
    code = re.search(r"^\$ python - <<EOF\n(.*?)^EOF$", session, flags=re.S | re.M)[1]
    exec(compile(code, "session", "exec"), {})
    (command,) = re.findall(r"^\$ python -m skvalue (.*)$", session, flags=re.M)
    assert call(capsys, *shlex.split(command), *QUICK)[0] == 0
    written = re.findall(r"^(?:out|values|report): (.*)$", session, flags=re.M)
    assert sorted(os.listdir()) == sorted(["loans.csv", *written])


def test_the_version(capsys):
    with pytest.raises(SystemExit) as exit_info:
        main(["--version"])
    assert exit_info.value.code == 0
    assert capsys.readouterr().out == f"skvalue {skvalue.__version__}\n"


def test_as_a_program(table, tmp_path):
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "skvalue",
            "clean",
            "data.csv",
            "--target",
            "label",
            *QUICK,
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(skvalue.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "rows kept" in done.stdout and "[SelfConfidence]" in done.stderr
    with open(tmp_path / "data_clean.csv", newline="", encoding="utf-8") as file:
        assert len(list(csv.reader(file))) > N_ROWS / 2
