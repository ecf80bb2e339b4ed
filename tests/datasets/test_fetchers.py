"""Fetchers ask openml.org for the right tables, and make the same of them as ever."""

import gzip
import hashlib
import io
import json
import os
import re
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import _openml

from skvalue import KNNShapley, datasets
from skvalue.evaluation import detection_experiment

HERE = Path(__file__).resolve()
IDS = {
    "2dplanes": 727,
    "adult": 1590,
    "electricity": 151,
    "fried": 901,
    "miniboone": 43974,
    "nomao": 1486,
    "pol": 722,
}


def fetcher(name):
    return getattr(datasets, f"fetch_{name}")


class Response(io.BytesIO):
    """What `urlopen` returns, as far as it is looked at."""

    def info(self):
        return {}


class Server:
    """openml.org with a frame for a table: its last column are the labels."""

    def __init__(self, frame):
        self.asked = set()
        self.calls = 0
        names = list(frame.columns)
        nominal = [name for name in names if not is_number(frame[name])]
        kinds = {
            name: "{"
            + ",".join(sorted(frame[name].dropna().astype(str).unique()))
            + "}"
            if name in nominal
            else "numeric"
            for name in names
        }
        lines = ["@relation table"]
        lines += [f"@attribute {name} {kinds[name]}" for name in names]
        rows = frame.to_csv(index=False, header=False, na_rep="?")
        self.arff = ("\n".join([*lines, "@data\n"]) + rows).encode()
        self.features = [
            {
                "index": str(place),
                "name": name,
                "data_type": "nominal" if name in nominal else "numeric",
                "is_target": str(name == names[-1]).lower(),
                "is_ignore": "false",
                "is_row_identifier": "false",
                "number_of_missing_values": str(frame[name].isna().sum()),
            }
            for place, name in enumerate(names)
        ]
        self.target = names[-1]

    def urlopen(self, request, *args, **kwargs):
        url = request if isinstance(request, str) else request.full_url
        self.calls += 1
        if "/data/v1/download" in url:
            return Response(self.arff)
        number = re.search(r"/(\d+)$", url)[1]
        self.asked.add(int(number))
        content = {
            "data_set_description": {
                "id": number,
                "name": "table",
                "version": "1",
                "description": "About it.",
                "format": "ARFF",
                "file_id": "1",
                "url": "https://www.openml.org/data/v1/download/1/table.arff",
                "default_target_attribute": self.target,
                "status": "active",
                "md5_checksum": hashlib.md5(self.arff).hexdigest(),
            }
        }
        if "/features/" in url:
            content = {"data_features": {"feature": self.features}}
        if "/qualities/" in url:
            content = {"data_qualities": {"quality": []}}
        return Response(json.dumps(content).encode())


def is_number(column):
    return pd.api.types.is_numeric_dtype(column)


@pytest.fixture
def serve(monkeypatch):
    def start(frame):
        server = Server(frame)
        monkeypatch.setattr(_openml, "urlopen", server.urlopen)
        return server

    return start


def small(n_rows=12, *, day="day"):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(n_rows, 3)).round(3), columns=list("abc"))
    return frame.assign(
        date=np.linspace(0, 1, n_rows),
        day=[f"{day}{number % 7}" for number in range(n_rows)],
        label=["P" if number % 3 else "N" for number in range(n_rows)],
    )


@pytest.mark.parametrize("name", IDS)
def test_the_right_table_is_asked_for_once(name, serve, tmp_path):
    server = serve(small())
    bunch = fetcher(name)(data_home=tmp_path)
    assert server.asked == {IDS[name]}
    assert bunch.target.tolist() == [0, 1, 1] * 4
    assert bunch.target_names.tolist() == ["N", "P"] and bunch.DESCR.startswith(
        "About it."
    )
    assert bunch.data.shape == (12, len(bunch.feature_names))
    assert bunch.data.dtype == np.float64 and bunch.target.dtype == np.int64
    calls = server.calls
    X, y = fetcher(name)(data_home=tmp_path, return_X_y=True)
    assert server.calls == calls
    assert_array_equal(X, bunch.data)
    assert_array_equal(y, bunch.target)
    frame = fetcher(name)(data_home=tmp_path, as_frame=True)
    assert list(frame.data.columns) == bunch.feature_names
    assert_array_equal(frame.data.iloc[:, :3].to_numpy(), X[:, :3])
    assert frame.target.tolist() == y.tolist() and frame.target.name == "label"


def test_columns_that_are_no_features(serve, tmp_path):
    serve(small())
    names = {
        name: fetcher(name)(data_home=tmp_path / name).feature_names for name in IDS
    }
    assert names["electricity"] == ["a", "b", "c"]
    assert names["nomao"] == names["miniboone"] == ["a", "b", "c", "date"]
    assert names["adult"] == ["a", "b", "c", "date", "day"]


@pytest.mark.parametrize("name", ["electricity", "miniboone", "nomao"])
def test_categories_may_be_called_by_numbers(name, serve, tmp_path):
    serve(small(day="").assign(label=["1", "2", "10"] * 4))
    bunch = fetcher(name)(data_home=tmp_path)
    assert "day" not in bunch.feature_names
    assert bunch.target_names.tolist() == ["1", "10", "2"]
    assert bunch.target.tolist() == [0, 2, 1] * 4


def test_balanced_electricity(serve, tmp_path):
    server = serve(small())
    datasets.fetch_electricity(balanced=True, data_home=tmp_path)
    assert server.asked == {44080}


def test_categories_are_their_places_and_missing_ones_come_first(serve, tmp_path):
    frame = small().assign(kind=["b", "a", None, "c"] * 3, full=["y", "x"] * 6)
    serve(frame[["a", "kind", "full", "label"]])
    X = datasets.fetch_adult(data_home=tmp_path).data
    assert X[:4, 1].tolist() == [2, 1, 0, 3]
    assert X[:4, 2].tolist() == [1, 0, 1, 0]
    kept = datasets.fetch_adult(data_home=tmp_path, as_frame=True).data
    assert kept["kind"].iloc[:2].tolist() == ["b", "a"] and kept["kind"].isna()[2]


@pytest.mark.filterwarnings("ignore:Invalid cache, redownloading")
@pytest.mark.parametrize(
    "error", [URLError("no route"), TimeoutError("too slow"), ConnectionError("gone")]
)
def test_offline_says_what_to_do(error, monkeypatch, tmp_path):
    def urlopen(*args, **kwargs):
        raise error

    monkeypatch.setattr(_openml, "urlopen", urlopen)
    monkeypatch.setattr(_openml.time, "sleep", lambda seconds: None)
    reason = str(getattr(error, "reason", error))
    with pytest.raises(OSError, match=f"fetch_pol could not fetch.*{reason}") as caught:
        datasets.fetch_pol(data_home=tmp_path)
    assert str(tmp_path) in str(caught.value)
    with pytest.raises(OSError, match="fetch_adult could not fetch"):
        detection_experiment(KNNShapley(), {"adult": datasets.fetch_adult})


def test_adult_as_scikit_learn_ships_some_rows(monkeypatch, tmp_path):
    folder = Path(_openml.__file__).parent / "tests/data/openml/id_1590"
    arff = folder / "data-v1-dl-1595261.arff.gz"
    if not arff.exists():
        pytest.skip("scikit-learn comes without its test data here")
    parts = {"features": "jdf", "qualities": "jdq", "data": "jd"}

    def urlopen(request, *args, **kwargs):
        url = request if isinstance(request, str) else request.full_url
        name = arff.name
        if "download" not in url:
            name = f"api-v1-{parts[url.split('/')[-2]]}-1590.json.gz"
        content = gzip.decompress((folder / name).read_bytes())
        # Not the checksum of all rows.
        ours = hashlib.md5(gzip.decompress(arff.read_bytes())).hexdigest()
        pattern = rb'"md5_checksum":"[0-9a-f]*"'
        return Response(re.sub(pattern, f'"md5_checksum":"{ours}"'.encode(), content))

    monkeypatch.setattr(_openml, "urlopen", urlopen)
    bunch = datasets.fetch_adult(data_home=tmp_path, as_frame=True)
    assert bunch.data.shape == (10, 14)
    assert bunch.data.iloc[0, :4].tolist() == [25, "Private", 226802, "11th"]
    assert bunch.data["workclass"].isna().sum() == 2
    assert bunch.target.tolist()[:4] == [0, 0, 1, 1]
    assert bunch.target_names.tolist() == ["<=50K", ">50K"]


def test_rows_of_adult_lie_otherwise_in_the_copy():
    """The first row at openml.org, see above, is one of adult.test."""
    arrays = local("adult")
    first = arrays["X"][32561]
    assert first[[0, 2, 4]].tolist() == [25, 226802, 7]
    assert len(arrays["X"]) - 32561 == 16281


# ------------------------------------------------- the copies that benchmarks have used


def local(name):
    if "SKVALUE_DATA" not in os.environ:
        pytest.skip("SKVALUE_DATA does not name the folder with the real data")
    with np.load(Path(os.environ["SKVALUE_DATA"]) / f"{name}.npz") as file:
        return {key: file[key] for key in file.files}


def as_openml(name, rows):
    """Some rows of a copy as openml.org has them, and as they are."""
    arrays = local(name)
    X, y = arrays["X"][rows].astype(np.float64), arrays["y"][rows]
    names = arrays["feature_names"].tolist()
    frame = pd.DataFrame(X, columns=names)
    labels = {"electricity": ["DOWN", "UP"], "adult": ["<=50K", ">50K"]}
    if name == "electricity":
        frame.insert(0, "date", 0.5)
        frame.insert(1, "day", "2")
    if name == "adult":
        categories = json.loads(str(arrays["meta"]))["categories"]
        for column, levels in categories.items():
            codes = X[:, names.index(column)].astype(int)
            frame[column] = np.array(levels, dtype=object)[codes]
            frame.loc[frame[column] == "?", column] = None
    frame["class"] = np.array(labels.get(name, ["N", "P"]))[y]
    return frame, X, y


@pytest.mark.parametrize("name", ["2dplanes", "pol", "electricity", "adult"])
def test_copies_are_what_is_fetched(name, serve, tmp_path):
    rows = slice(None, 3000)
    if name == "adult":
        # All categories; the names of countries are not among the copy's notes.
        rows = np.arange(0, 48842, 3)
    frame, X, y = as_openml(name, rows)
    serve(frame)
    fetched = fetcher(name)(data_home=tmp_path)
    assert fetched.feature_names == local(name)["feature_names"].tolist()
    assert_array_equal(fetched.data, X)
    assert_array_equal(fetched.target, y)


def test_benchmarks_fetch_what_they_have_no_copy_of(serve, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(HERE.parents[2] / "examples" / "benchmarks"))
    monkeypatch.delenv("SKVALUE_DATA", raising=False)
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))
    import _data

    serve(small())
    for name in _data.FETCHERS:
        _data.load.cache_clear()
        X, y = _data.load(name)
        assert X.dtype == np.float32 and y.dtype == np.int64 and len(X) == 12
    _data.load.cache_clear()
    with pytest.raises(OSError, match="SKVALUE_DATA"):
        _data.load("bbc")
