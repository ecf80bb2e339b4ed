"""Sphinx configuration. It needs no network: there is no intersphinx."""

import sys
import warnings
from pathlib import Path

# The package is documented as it lies here, installed or not.
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import matplotlib

import skvalue

matplotlib.use("agg")
# An example that warns must not get into the gallery.
warnings.simplefilter("error")

project = "skvalue"
author = "The skvalue developers"
copyright = "2026, the skvalue developers (BSD-3-Clause)"
version = release = skvalue.__version__

extensions = [
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "templates", "**/sg_execution_times.rst"]
templates_path = ["templates"]
# Single backticks in docstrings are names of parameters, as in scikit-learn.
default_role = "literal"

# Docstrings give the types.
autodoc_typehints = "none"
autosummary_generate = True
# The class template lists the members.
numpydoc_show_class_members = False
# Docstrings list sources that their text need not cite by number.
suppress_warnings = ["ref.citation"]

html_theme = "pydata_sphinx_theme"
html_title = f"skvalue {version}"
html_theme_options = {
    "navigation_with_keys": False,
    "show_prev_next": False,
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_show_sourcelink = False
html_copy_source = False

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

sphinx_gallery_conf = {
    "examples_dirs": str(ROOT / "examples"),
    "gallery_dirs": "auto_examples",
    "filename_pattern": "/plot_",
    "ignore_pattern": "/benchmarks/",
    "nested_sections": False,
    "abort_on_example_error": True,
    "download_all_examples": False,
    "plot_gallery": True,
    "show_memory": False,
    "show_signature": False,
    "capture_repr": (),
    "write_computation_times": False,
    "remove_config_comments": True,
}
