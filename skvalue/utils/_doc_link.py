"""Where the page of an estimator is, which its HTML representation links to.

The address of a published documentation is that of the package's metadata, the project
URL ``Documentation``. Without one it is the documentation that was built in the same
checkout, and else there is no link.
"""

from functools import cache
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

BUILT = Path(__file__).resolve().parents[2] / "doc" / "_build" / "html"


class DocLinkMixin:
    """Link the representation of an estimator to its page of the API reference.

    Left of `BaseEstimator`. Estimators of other packages that derive from one of ours
    get no link.
    """

    _doc_link_module = "skvalue"

    @property
    def _doc_link_template(self):
        return f"{documentation()}/api/generated/skvalue.{{estimator_name}}.html"

    def _get_doc_link(self):
        return super()._get_doc_link() if documentation() else ""


@cache
def documentation():
    """Address of the documentation, without a slash at its end, or None."""
    try:
        listed = metadata("skvalue").get_all("Project-URL") or []
    except PackageNotFoundError:
        listed = []
    for line in listed:
        label, _, address = line.partition(",")
        if label.strip() == "Documentation":
            return address.strip().rstrip("/")
    return BUILT.as_uri() if (BUILT / "index.html").is_file() else None
