"""The house: imports point downward only, and files stay readable."""

import ast
from collections import defaultdict
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "skvalue"

# A unit may import units of lower floors; units of one floor never import each other.
METHODS = """
    nddv data_oob confidence feature_confidence outliers lava kairos dvrl semivalues
    neighbors influence
"""
FLOORS = [
    "utils",
    "_torch _linear_engine",
    "_coalitions _columns _drop _gate _held_out_scale _label_noise _targets "
    "_transport _weights_groups datasets",
    "_given _kernel_discrepancy _label_errors _memory _row_transport",
    "_encoder",
    "_label_opinions _validation _values_frame",
    "_cleaning",
    "base _class_values _nddv_paper games metrics",
    "_pipelines",
    METHODS,
    "_poor_members",
    "amortized consensus curation explain",
    "evaluation inspection",
    "_command_line",
    "__main__ __init__",
]
FLOOR = {unit: floor for floor, units in enumerate(FLOORS) for unit in units.split()}

# Only here may torch be imported as soon as the module is.
WITH_TORCH = {"_torch", "_linear_engine", "neighbors._device_order"}
WITHOUT_TORCH = {"_linear_engine", "_linear_engine.applies"}


def modules():
    """Name below skvalue, and tree, of every module."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[-1] == "__init__" and len(parts) > 1:
            parts = parts[:-1]
        yield ".".join(parts), path, ast.parse(path.read_text(encoding="utf-8"))


def imported(name, path, tree):
    """Modules of the package that a module imports, anywhere in it."""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    package = [] if name == "__init__" else package
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        base = package[: len(package) - (node.level - 1)]
        if node.module:
            yield ".".join([*base, *node.module.split(".")])
        else:
            yield from (".".join([*base, alias.name]) for alias in node.names)


def test_every_unit_has_a_floor():
    units = {name.split(".")[0] for name, *_ in modules()}
    assert units <= set(FLOOR), f"give {units - set(FLOOR)} a floor"


def test_imports_point_downward_only():
    upward = [
        f"{name} imports {target}"
        for name, path, tree in modules()
        for target in imported(name, path, tree)
        if (here := name.split(".")[0]) != (there := target.split(".")[0])
        and FLOOR[there] >= FLOOR[here]
    ]
    assert upward == []


def test_no_module_imports_itself_in_a_circle():
    graph = defaultdict(set)
    names = {name for name, *_ in modules()}
    for name, path, tree in modules():
        for target in imported(name, path, tree):
            # `from .package import thing` may name a thing of the package.
            graph[name].add(target if target in names else target.rpartition(".")[0])
    TopologicalSorter(graph).prepare()  # raises CycleError


def test_torch_is_imported_late():
    early = [
        name
        for name, _, tree in modules()
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for module in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
        )
        if module.split(".")[0] in {"torch", "skorch"} and not getattr(node, "level", 0)
    ]
    allowed = {
        name
        for name, *_ in modules()
        if name.split(".")[0] in WITH_TORCH or name in WITH_TORCH
    }
    assert set(early) <= allowed - WITHOUT_TORCH


def test_private_names_of_scikit_learn_are_in_one_file():
    private = [
        f"{name}: {node.module}.{alias.name}"
        for name, _, tree in modules()
        if name != "utils._sklearn"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith("sklearn.")
        for alias in node.names
        if "._" in f"{node.module}.{alias.name}" and alias.name != "_fit_context"
    ]
    assert private == []


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: p.stem)
def test_a_file_is_read_at_one_sitting(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400
