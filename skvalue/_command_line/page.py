"""Pieces of a page of HTML that needs nothing else: no network, script or library."""

from html import escape

_LONGEST = 80
# Cells of more characters are set in several lines.
_LONG = 32

STYLE = """
:root { color-scheme: light dark;
  --paper: #fff; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --shade: #f3f5f7;
  --kept: #2f6fb3; --dropped: #c2410c; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #14181d; --ink: #e6e9ed; --soft: #a3adb8; --line: #38414b; --shade: #1d232a;
  --kept: #6ba8e5; --dropped: #f08a4b; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 70rem; padding: 1rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; margin: .5rem 0; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
p { margin: .5rem 0; max-width: 45rem; } .soft { color: var(--soft); }
dl { display: grid; grid-template-columns: 1fr 1fr; gap: .5rem; margin: 1rem 0; }
@media (min-width: 600px) { dl { grid-template-columns: repeat(4, 1fr); } }
dl div { background: var(--shade); border-radius: .4rem; padding: .5rem .6rem; }
dt { color: var(--soft); font-size: .85rem; }
dd { margin: 0; font-size: 1.15rem; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; width: fit-content; max-width: 100%; margin: .75rem 0;
  border: 1px solid var(--line); border-radius: .4rem; }
.wide:focus { outline: 2px solid var(--kept); }
table { border-collapse: collapse; font-size: .9rem;
  overflow-wrap: normal; }
th, td { padding: .3rem .6rem; text-align: left; vertical-align: top;
  border-top: 1px solid var(--line); white-space: nowrap; }
th { background: var(--shade); border-top: 0; }
.long { white-space: normal; min-width: 16rem; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.dropped { color: var(--dropped); font-weight: 600; } .kept { color: var(--kept); }
svg { display: block; width: 100%; max-width: 45rem; height: auto; }
svg text { fill: var(--soft); font: 13px system-ui, sans-serif; }
svg .kept { fill: var(--kept); } svg .dropped { fill: var(--dropped); }
/* A bar of one dropped row is to be seen beside one of hundreds. */
svg .dropped { stroke: var(--dropped); }
svg line { stroke: var(--line); }
/* The picture shrinks with the page, its words do not. */
@media (max-width: 600px) { svg { overflow: visible; } svg text { font-size: 21px; } }
"""


def page(title, parts):
    """A whole page.

    Parameters
    ----------
    title : str
        Of the page.

    parts : list of str
        HTML, one below the other.

    Returns
    -------
    html : str
        The policy in its head forbids anything to be fetched or run.
    """
    body = "\n".join(parts)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'">
<title>{escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>{escape(title)}</h1>
{body}
</main>
</body>
</html>
"""


def heading(text):
    """A heading of a part."""
    return f"<h2>{escape(text)}</h2>"


def paragraph(text, soft=False):
    """A paragraph; `soft` for what explains."""
    kind = ' class="soft"' if soft else ""
    return f"<p{kind}>{escape(text)}</p>"


def facts(pairs):
    """Figures with what they are: a list of (name, figure)."""
    items = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(str(figure))}</dd></div>\n"
        for name, figure in pairs
    )
    return f"<dl>\n{items}</dl>"


class Cell(str):
    """A cell with a class of its own: "number", "dropped" or "kept"."""

    kind = ""

    def __new__(cls, text, kind):
        """Make one of its text."""
        cell = super().__new__(cls, text)
        cell.kind = kind
        return cell


def number(value, form=""):
    """A cell of a number."""
    return Cell(format(value, form), "number")


def table(header, rows, caption):
    """A table that scrolls by itself where it is wider than the page.

    Parameters
    ----------
    header : list of str
        Names of the columns; a `Cell` says how they are set.

    rows : iterable of list of str
        Cells, of any length and content.

    caption : str
        What it is, for who cannot see it.

    Returns
    -------
    html : str
        Everything escaped.
    """
    head = "".join(_cell(name, "th") for name in header)
    lines = "\n".join(
        "<tr>" + "".join(_cell(cell, "td") for cell in row) + "</tr>" for row in rows
    )
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{lines}\n</tbody>\n"
        "</table></div>"
    )


def _cell(text, tag):
    kind = f' class="{text.kind}"' if isinstance(text, Cell) else ""
    if not kind and len(text) > _LONG:
        kind = ' class="long"'
    if len(text) > _LONGEST:
        text = text[: _LONGEST - 1] + "…"
    scope = ' scope="col"' if tag == "th" else ""
    return f"<{tag}{scope}{kind}>{escape(text)}</{tag}>"
