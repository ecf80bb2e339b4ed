"""Names in single backticks become links, wherever they are written.

Sphinx finds names of the module that a page is about. Here a name is also looked for
in the whole package, and names of scikit-learn, numpy and joblib get the address that
their own documentation gives them. Nothing is fetched; a name that no one has stays
plain.
"""

import re
from importlib import import_module

from docutils import nodes
from sklearn.utils.discovery import all_estimators

SCIKIT_LEARN = "https://scikit-learn.org/stable/modules/generated/{}.html"
ELSEWHERE = {
    "joblib.Memory": "https://joblib.readthedocs.io/en/stable/generated/{}.html",
    "numpy.memmap": "https://numpy.org/doc/stable/reference/generated/{}.html",
    "sklearn": "https://scikit-learn.org/stable/api/{}.html",
}
LONG = 40  # characters; more are wider than a line on a phone
KINDS = {"class", "function", "method", "exception"}


def setup(app):
    """Ask for the names that Sphinx does not find."""
    app.connect("missing-reference", resolve)
    app.connect("doctree-resolved", mark_long)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def resolve(app, env, node, contnode):
    """Return a link to what a name of Python means, or None."""
    if node.get("refdomain") != "py":
        return None
    name = node["reftarget"].lstrip(".~")
    if not re.fullmatch(r"[A-Za-z_][\w.]*", name):
        return None
    domain = env.get_domain("py")
    found = {
        (entry.docname, entry.node_id)
        for full, entry in domain.objects.items()
        if f".{full}".endswith(f".{name}")
        and entry.objtype in KINDS
        # A parameter may well be called as some method is.
        and ("." in name or entry.objtype != "method")
    }
    if len(found) == 1:
        ((page, anchor),) = found
        uri = app.builder.get_relative_uri(node["refdoc"], page)
        return nodes.reference(
            "", "", contnode, internal=True, refuri=f"{uri}#{anchor}"
        )
    address = outside(name)
    return address and nodes.reference("", "", contnode, internal=False, refuri=address)


def mark_long(app, doctree, docname):
    """Give code that may have to break where lines are short a class of its own."""
    for node in doctree.findall(nodes.literal):
        if max(map(len, node.astext().split()), default=0) > LONG:
            node["classes"].append("long")


def outside(name):
    """Address of a name of another package, or None."""
    if name in ELSEWHERE:
        return ELSEWHERE[name].format(name)
    if name in ESTIMATORS:
        return SCIKIT_LEARN.format(ESTIMATORS[name])
    module, _, last = name.rpartition(".")
    if module.split(".")[0] == "sklearn":
        # A name that is not there stops the build.
        thing = getattr(import_module(module), last)
        template = SCIKIT_LEARN if callable(thing) else ELSEWHERE["sklearn"]
        return template.format(name)
    return None


def _public(kind):
    """Full name of an estimator, up to the first private module."""
    module = kind.__module__.split("._")[0]
    return f"{module}.{kind.__name__}"


ESTIMATORS = {name: _public(kind) for name, kind in all_estimators()}
