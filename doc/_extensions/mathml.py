"""Equations as MathML, made when the pages are built.

Browsers draw MathML themselves, so equations need neither a network nor a script.
docutils converts; a formula that it does not know stops the build.
"""

import re

from docutils.nodes import SkipNode
from docutils.utils.math import MathError, pick_math_environment
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.errors import ExtensionError

# docutils has delimiters of a given size for the left and the right only.
SIDES = {"(": "l", "[": "l", ")": "r", "]": "r", "/": "l"}


def setup(app):
    """Register the renderer."""
    app.add_html_math_renderer(
        "mathml", inline_renderers=(inline, None), block_renderers=(block, None)
    )
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def inline(writer, node):
    """Write a formula within a line."""
    writer.body.append(mathml(node.astext(), node, as_block=False))
    raise SkipNode


def block(writer, node):
    """Write a formula of its own; one that is too wide scrolls by itself."""
    text = node.astext().strip()
    environment = pick_math_environment(text)
    if environment != "equation*":
        text = f"\\begin{{{environment}}}{text}\\end{{{environment}}}"
    formula = mathml(text, node, as_block=True)
    writer.body.append(f'<div class="math" tabindex="0">{formula}</div>\n')
    raise SkipNode


def mathml(text, node, as_block):
    """One formula, converted."""
    text = re.sub(
        r"\\([bB]ig)\s*([()\[\]/])", lambda m: f"\\{m[1]}{SIDES[m[2]]}{m[2]}", text
    )
    text = re.sub(r"\\dots\b", r"\\ldots", text)
    try:
        return tex2mathml(text.strip(), as_block=as_block)
    except MathError as error:
        raise ExtensionError(f"{node.source}:{node.line}: {error}: {text}") from error
