"""What two runs must have in common for one to use, or go on with, the other's state.

A fingerprint is text that is equal for equal data and parameters, in any process, and
differs where anything differs that could change a value: the content of arrays, the
state of objects at any depth, the code of the user's functions and classes, and the
closures and globals that this code reads. What comes with Python or an installed
package counts by its name and version. What cannot be told so, raises.
"""

import sys
from importlib.metadata import version
from operator import itemgetter

import numpy as np

from ..utils._rows import is_frame
from .object_parts import sha256, take_apart

PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "skvalue")

# Their `repr` is all of them.
ATOMS = (
    *(type(None), bool, int, float, complex, str, bytes, range),
    *(type(Ellipsis), type(NotImplemented)),
)


def fingerprint(data, parameters):
    """What must be equal for one run to go on with the state of another.

    Parameters
    ----------
    data : dict of str to array or None
        Arrays, sparse matrices, frames (whose index does not count), lists of rows.

    parameters : dict of str to object
        Their whole state counts: of an estimator of which only clones are fitted, give
        a clone.

    Returns
    -------
    fingerprint : dict of str to str
        One entry each, and the versions of what computes.

    Raises
    ------
    ValueError
        If a parameter holds something without a state that another process could see;
        the message names it.
    """
    data = {name: _columns_of_frame(rows) for name, rows in data.items()}
    prints = {}
    for name, value in (data | parameters).items():
        try:
            prints[name] = describe(value)
        except ValueError as error:
            raise ValueError(
                f"{name} cannot be told from another: {error}. This is needed by "
                "memory, checkpoint and warm_start; do without them, or make it of "
                "functions and objects that pickle can save."
            ) from error
    for package in PACKAGES:
        prints[f"{package} version"] = version(package)
    prints["Python version"] = "{}.{}".format(*sys.version_info)
    return prints


def _columns_of_frame(rows):
    """A frame as names, dtypes and columns: its own state holds caches and indices."""
    if not is_frame(rows):
        return rows
    columns = [np.asarray(rows[name]) for name in rows.columns]
    return [list(rows.columns), [str(dtype) for dtype in rows.dtypes], columns]


def check_same_run(saved, current, source):
    """Raise unless two fingerprints agree.

    Parameters
    ----------
    saved, current : dict of str to str
        See `fingerprint`.

    source : str
        What holds the saved one, for the message.

    Raises
    ------
    ValueError
        If they differ; the message names what.
    """
    names = sorted(saved.keys() | current.keys())
    different = [name for name in names if saved.get(name) != current.get(name)]
    if different:
        raise ValueError(
            f"{source} belongs to another run: {', '.join(different)} differ(s). It is "
            "left as it was; fit with what it was made with, or start anew."
        )


def describe(value):
    """Text that is equal for equal objects, in any process.

    Parameters
    ----------
    value : object
        Anything.

    Returns
    -------
    text : str
        Of all that it holds.

    Raises
    ------
    ValueError
        If it holds something without a state that another process could see.
    """
    try:
        return _Describer().describe(value)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


class _Describer:
    """Walks through all that an object holds, cycles included.

    An object that is met again below itself is told by the number of levels up to it.
    Texts are kept by object: those of objects with such references to outside
    themselves as long as what they refer to is being described, others for good.
    """

    def __init__(self):
        self.levels = {}  # of the objects that are being described, by their id
        self.highest = 0  # level that the present object refers back to, or its own
        self.whole = {}  # id: object, text
        self.parts = {}  # id: object, text, level, level that it refers back to

    def describe(self, value):
        if type(value) in ATOMS:
            return f"{type(value).__name__} {value!r}"
        key, level = id(value), len(self.levels)
        if key in self.whole:
            return self.whole[key][1]
        if key in self.levels:
            self.highest = min(self.highest, self.levels[key])
            return f"{level - self.levels[key]} levels up"
        if key in self.parts:
            _, text, seen_at, highest = self.parts[key]
            self.highest = min(self.highest, highest)
            return f"{text} from {level - seen_at} levels up"
        outer, self.highest, self.levels[key] = self.highest, level, level
        text = self._sha256_of(value)
        del self.levels[key]
        if self.highest == level:
            self.whole[key] = value, text
            self.parts = {k: part for k, part in self.parts.items() if part[3] < level}
        else:
            self.parts[key] = value, text, level, self.highest
        self.highest = min(outer, self.highest)
        return text

    def _sha256_of(self, value):
        kind, content = take_apart(value)
        if isinstance(content, str):
            return f"{kind} {content}"
        if isinstance(content, frozenset | set):
            texts = sorted(self._describe_alone(item) for item in content)
        elif isinstance(content, dict):
            # In the order of the keys: that of insertion may be that of a set.
            pairs = [(self._describe_alone(key), item) for key, item in content.items()]
            pairs.sort(key=itemgetter(0))
            texts = [f"{key}: {self.describe(item)}" for key, item in pairs]
        else:
            texts = [self.describe(item) for item in content]
        return f"{kind} {sha256(repr(texts))}"

    def _describe_alone(self, item):
        """As if it came first: nothing may depend on the order of a set.

        In a circle the text of an object depends on which was met first.
        """
        if type(item) in ATOMS:
            return self.describe(item)
        whole, parts = self.whole, self.parts
        self.whole, self.parts = dict(whole), dict(parts)
        text = self.describe(item)
        self.whole, self.parts = whole, parts
        return text
