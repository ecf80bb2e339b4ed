"""Equations as MathML, made when the pages are built.

Browsers draw MathML themselves, so equations need neither a network nor a script.
docutils converts; a formula that it does not know stops the build.
"""

import re
from html import unescape
from unicodedata import normalize
from xml.etree import ElementTree

from docutils.nodes import SkipNode, Text, math
from docutils.utils.math import MathError, pick_math_environment
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.errors import ExtensionError
from sphinx.transforms.post_transforms import SphinxPostTransform

NAMESPACE = "http://www.w3.org/1998/Math/MathML"
# docutils has delimiters of a given size for the left and the right only.
SIDES = {"(": "l", "[": "l", ")": "r", "]": "r", "/": "l"}
ACCENTS = {"\u02c6", "\u02c9", "\u02dc", "~"}
TYPEWRITER = re.compile("[\U0001d670-\U0001d6a3]")
LONG = 40  # characters of LaTeX
LINE, NORM = "_", "\u2016"
APPLY, THIN = "\u2061", "0.17em"
BRACKETS = {"(", "[", ")", "]", ","}
OPENING, CLOSING = re.compile(r"[(\[]$"), re.compile(r"^[)\].,:;?!]+")


def setup(app):
    """Register the renderer."""
    app.add_post_transform(Ends)
    app.add_html_math_renderer(
        "mathml", inline_renderers=(inline, None), block_renderers=(block, None)
    )
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class Ends(SphinxPostTransform):
    """Brackets and full stops go with the formula: no line ends between them."""

    default_priority = 900
    formats = ("html",)

    def run(self):
        """Take them out of the text."""
        for node in list(self.document.findall(math)):
            place = node.parent.index(node)
            for other, pattern, end in [
                (place - 1, OPENING, "opening"),
                (place + 1, CLOSING, "closing"),
            ]:
                if not 0 <= other < len(node.parent) or len(node.astext()) > LONG:
                    continue
                text = node.parent[other]
                found = isinstance(text, Text) and pattern.search(text)
                if found:
                    node[end] = found[0]
                    node.parent[other] = Text(pattern.sub("", text))


def inline(writer, node):
    """Write a formula within a line; a long one scrolls where lines are short."""
    formula = mathml(node.astext(), node, as_block=False)
    if len(node.astext()) > LONG:
        formula = f'<span class="formula">{formula}</span>'
    elif "opening" in node or "closing" in node:
        formula = node.get("opening", "") + formula + node.get("closing", "")
        formula = f'<span class="unbroken">{formula}</span>'
    writer.body.append(formula)
    raise SkipNode


def block(writer, node):
    """Write a formula of its own; one that is too wide scrolls by itself."""
    text = node.astext().strip()
    environment = pick_math_environment(text)
    if environment != "equation*":
        environment = environment.replace("align*", "aligned")
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
        formula = tex2mathml(text.strip(), as_block=as_block)
    except MathError as error:
        raise ExtensionError(f"{node.source}:{node.line}: {error}: {text}") from error
    # Entities of HTML are none of XML.
    formula = re.sub(r"&(?!lt;|gt;|amp;|#)\w+;", lambda m: unescape(m[0]), formula)
    root = ElementTree.fromstring(formula)
    for element in list(root.iter()):
        mend(element)
    for element in list(root.iter()):
        space(element)
    ElementTree.register_namespace("", NAMESPACE)
    return ElementTree.tostring(root, encoding="unicode")


def mend(element):
    """Change what browsers would draw badly."""
    kind, children = element.tag.rpartition("}")[2], list(element)
    # An accent is the letter's, an index stands beside both.
    if kind == "munderover" and children[2].text in ACCENTS:
        letter, index, accent = children
        for child in children:
            element.remove(child)
        element.tag = f"{{{NAMESPACE}}}msub"
        accented = ElementTree.SubElement(element, f"{{{NAMESPACE}}}mover")
        accented.set("accent", "true")
        accented.extend([letter, accent])
        element.append(index)
    # Few fonts have a line of any width; the style sheet draws it.
    elif kind == "mover" and children[1].text == LINE:
        element.remove(children[1])
        element.tag = f"{{{NAMESPACE}}}mrow"
        element.set("class", "overline")
    # Equations below one another are no smaller than one alone.
    elif element.get("class") == "ams-align":
        element.set("displaystyle", "true")
    # Letters and signs that are in few fonts.
    elif kind in {"mi", "mtext"} and TYPEWRITER.search(element.text or ""):
        element.text = normalize("NFKC", element.text)
        element.set("class", "typewriter")
        element.set("mathvariant", "normal")
    elif element.text == "\u29f5":
        element.text = "\u2216"
    # A norm is no taller than its letters, wherever its exponent stands.
    elif kind == "mo" and element.text == NORM:
        left = element.get("class") == "mathopen"
        element.set("form", "prefix" if left else "postfix")
        element.set("stretchy", "false")


def space(parent):
    """Set bars and names apart as TeX does; browsers know neither."""
    children = list(parent)
    signs = [core(child) for child in children]
    texts = ["" if sign is None else sign.text for sign in signs]
    # A bracket stands for the beginning and for the end; a value has no text.
    texts = ["(", *texts, ")"]
    is_left = True
    for place, (child, sign) in enumerate(zip(children, signs, strict=True)):
        before, after = texts[place], texts[place + 2]
        left = THIN if before in {"", ")", "]"} else "0"
        right = "0" if after in BRACKETS else THIN
        # A function: log n, but log(n).
        if after == APPLY and left == THIN:
            gap = ElementTree.Element(f"{{{NAMESPACE}}}mspace", width=THIN)
            parent.insert(list(parent).index(child), gap)
        if sign is None:
            continue
        # An operator: max(a, b).
        if child is sign and (sign.text == APPLY or sign.text.isalpha()):
            sign.set("lspace", "0" if sign.text == APPLY else left)
            sign.set("rspace", right)
        # Bars come in pairs: the first opens, the second closes.
        elif sign.text == "|":
            sign.set("form", "prefix" if is_left else "postfix")
            is_left = not is_left


def core(element):
    """The sign of an element, which may have exponents; None where it is a value."""
    while len(element) and element.tag.endswith(("msup", "msub", "msubsup")):
        element = element[0]
    return element if element.tag.endswith("}mo") else None
