"""Files that must agree: versions are written in more than one of them."""

import configparser
import re
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

import skvalue

ROOT = Path(__file__).resolve().parents[1]
# Extras that `make test-lowest` installs, and those that are part of them.
TESTED_EXTRAS = ["cli", "plot", "progress", "imblearn", "ot", "test"]


def setup():
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def lower_bounds():
    """The lowest version of each package that setup.cfg allows."""
    sections = setup()
    listed = [sections["options"]["install_requires"]]
    listed += [sections["options.extras_require"][extra] for extra in TESTED_EXTRAS]
    bounds = {}
    for line in "\n".join(listed).split("\n"):
        if line:
            requirement = Requirement(line)
            (bound,) = requirement.specifier
            assert bound.operator == ">=", line
            bounds.setdefault(requirement.name, set()).add(Version(bound.version))
    assert all(len(versions) == 1 for versions in bounds.values()), bounds
    return {name: versions.pop() for name, versions in bounds.items()}


def pins(file_name):
    """Versions of a constraints file, by package."""
    text = (ROOT / ".ci" / file_name).read_text(encoding="utf-8")
    return {
        name: Version(version)
        for name, version in re.findall(r"^([\w.-]+)==(\S+)$", text, flags=re.M)
    }


def workflow():
    path = ROOT / ".github" / "workflows" / "tests.yml"
    return yaml.safe_load(path.read_text(encoding="utf-8"))


# Dependencies of the lowest versions that no package of setup.cfg names.
ONLY_FOR_LOWEST = {"attrs", "commonmark", "distributed", "pytz"}


def test_lowest_versions_are_those_of_setup_cfg():
    bounds, lowest = lower_bounds(), pins("lowest.txt")
    torch = bounds.pop("torch")
    assert {name: lowest[name] for name in bounds} == bounds
    assert set(lowest) - set(bounds) == ONLY_FOR_LOWEST
    assert lowest["distributed"] == bounds["dask"]
    steps = workflow()["jobs"]["lowest"]["steps"]
    commands = " ".join(step.get("run", "") for step in steps)
    assert Version(re.search(r"LOWEST_TORCH=(\S+)", commands)[1]) == torch


@pytest.mark.parametrize("package", ["ruff", "numpydoc"])
def test_hooks_have_the_versions_of_ci(package):
    config = yaml.safe_load(
        (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    )
    versions = {
        Version(requirement.partition("==")[2])
        for repository in config["repos"]
        for hook in repository["hooks"]
        for requirement in hook["additional_dependencies"]
        if requirement.startswith(f"{package}==")
    }
    assert versions == {pins("constraints.txt")[package]}


def test_classifiers_name_the_versions_of_python_that_ci_runs():
    classifiers = setup()["metadata"]["classifiers"]
    named = re.findall(r"Python :: (3\.\d+)", classifiers)
    assert workflow()["jobs"]["tests"]["strategy"]["matrix"]["python"] == named
    assert setup()["options"]["python_requires"] == f">={named[0]}"


def test_version_is_written_the_same_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == setup()["metadata"]["version"] == skvalue.__version__
