"""Sphinx configuration. It needs no network: there is no intersphinx."""

import sys
import warnings
from pathlib import Path

# The package is documented as it lies here, installed or not.
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "doc" / "_extensions"))

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
    "mathml",
    "matplotlib.sphinxext.plot_directive",
    "names",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "templates", "**/sg_execution_times.rst"]
templates_path = ["templates"]
# Single backticks are names: links where there is something to show, see names.py, and
# code elsewhere, such as names of parameters.
default_role = "py:obj"
html_math_renderer = "mathml"

# Docstrings give the types.
autodoc_typehints = "none"
autosummary_generate = True
# The list at the side of a page has no room for the class before each member.
toc_object_entries_show_parents = "hide"
# The class template lists the members.
numpydoc_show_class_members = False
# Docstrings list sources that their text need not cite by number.
suppress_warnings = ["ref.citation"]

html_theme = "pydata_sphinx_theme"
html_title = f"skvalue {version}"
html_theme_options = {
    "header_links_before_dropdown": 7,
    "navbar_persistent": ["search-button"],
    "navigation_with_keys": False,
    "show_prev_next": False,
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_static_path = ["_static"]
html_css_files = ["skvalue.css"]
# Pages of no section have nothing to list beside them.
html_sidebars = {
    page: []
    for page in ["index", "install", "which_method", "faq", "glossary", "contributing"]
}
html_show_sourcelink = False
html_copy_source = False

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_line_continuation_character = "\\"
copybutton_here_doc_delimiter = "EOF"

# Pictures of pages are drawn by the code that the page shows; tests run it, too.
plot_include_source = True
plot_html_show_source_link = False
plot_html_show_formats = False
plot_formats = [("png", 120)]

sphinx_gallery_conf = {
    "examples_dirs": str(ROOT / "examples"),
    "gallery_dirs": "auto_examples",
    "filename_pattern": "/plot_",
    "ignore_pattern": "/benchmarks/",
    "within_subsection_order": "gallery_order.GalleryOrder",
    # Names in the code of examples are links, and pages of names list the examples.
    "reference_url": {"skvalue": None},
    "doc_module": ("skvalue",),
    "backreferences_dir": "api/generated/examples",
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
