"""What is public: light to import, and documented."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import skvalue

ROOT = Path(__file__).resolve().parents[1]
PUBLIC_MODULES = [
    "skvalue.datasets",
    "skvalue.evaluation",
    "skvalue.games",
    "skvalue.inspection",
    "skvalue.metrics",
    "skvalue.utils.estimator_checks",
]


def documented_names():
    """Full names in the autosummary tables of doc/api."""
    names = set()
    for page in (ROOT / "doc" / "api").glob("*.rst"):
        module = None
        for line in page.read_text(encoding="utf-8").splitlines():
            if current := re.match(r"\.\. currentmodule:: (\S+)", line):
                module = current[1]
            elif name := re.match(r"   ([A-Za-z_][\w.]*)$", line):
                names.add(f"{module}.{name[1]}")
    return names


def public_names(module_name):
    """Names that a module lists or, without a list, defines without underscore."""
    module = importlib.import_module(module_name)
    listed = getattr(module, "__all__", None)
    if listed is not None:
        return set(listed)
    return {
        name
        for name, thing in vars(module).items()
        if callable(thing)
        and not name.startswith("_")
        and getattr(thing, "__module__", None) == module_name
    }


def test_import_leaves_torch_alone():
    code = "import sys, skvalue; sys.exit(bool({'torch', 'skorch'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    assert result.returncode == 0


def test_all_names_exist_in_order():
    assert len(set(skvalue.__all__)) == len(skvalue.__all__)
    assert all(hasattr(skvalue, name) for name in skvalue.__all__)


@pytest.mark.parametrize("module_name", ["skvalue", *PUBLIC_MODULES])
def test_every_public_name_is_documented(module_name):
    wanted = {f"{module_name}.{name}" for name in public_names(module_name)}
    assert wanted
    assert wanted - documented_names() == set()


def test_every_documented_name_exists():
    for full_name in documented_names():
        module_name, _, name = full_name.rpartition(".")
        assert hasattr(importlib.import_module(module_name), name), full_name
