"""The HTML representation of an estimator links to its page, where there is one."""

import importlib.metadata
from email.message import Message
from inspect import signature

import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import Ridge

import skvalue
from skvalue.utils import _doc_link

ESTIMATORS = [
    thing
    for thing in (getattr(skvalue, name) for name in skvalue.__all__)
    if isinstance(thing, type) and issubclass(thing, BaseEstimator)
]


def instance(kind):
    """One with its defaults, and a model for what has none."""
    parameters = signature(kind).parameters.values()
    return kind(*(Ridge() for one in parameters if one.default is one.empty))


@pytest.fixture
def published(monkeypatch):
    found = Message()
    found["Project-URL"] = "Source, https://code.test/skvalue"
    found["Project-URL"] = "Documentation, https://docs.test/skvalue/"
    monkeypatch.setattr(_doc_link, "metadata", lambda name: found)
    _doc_link.documentation.cache_clear()
    yield
    _doc_link.documentation.cache_clear()


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_every_estimator_links_to_its_page(kind, published):
    page = f"https://docs.test/skvalue/api/generated/skvalue.{kind.__name__}.html"
    assert f'href="{page}"' in instance(kind)._repr_html_()


def test_an_estimator_of_somebody_else_has_no_page_of_ours(published):
    class Mine(skvalue.DataOOB):
        pass

    assert Mine()._get_doc_link() == ""


def test_pages_built_in_the_checkout_stand_in(monkeypatch, tmp_path):
    def not_installed(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(_doc_link, "metadata", not_installed)
    monkeypatch.setattr(_doc_link, "BUILT", tmp_path)
    _doc_link.documentation.cache_clear()
    assert skvalue.DataOOB()._get_doc_link() == ""

    (tmp_path / "index.html").touch()
    _doc_link.documentation.cache_clear()
    link = skvalue.DataOOB()._get_doc_link()
    assert link == f"{tmp_path.as_uri()}/api/generated/skvalue.DataOOB.html"
    _doc_link.documentation.cache_clear()
