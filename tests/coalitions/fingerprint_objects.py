"""Objects whose fingerprints must be the same in any process."""

import collections
import dataclasses
import enum
import functools
import json
import logging

import numpy as np
import torch
from scipy import sparse, stats
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import make_classification
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, get_scorer, make_scorer
from sklearn.model_selection import RandomizedSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from skorch import NeuralNetClassifier

from skvalue._coalitions.fingerprint import describe

NAMES = {"alpha", "beta", "gamma", "delta"}
logger = logging.getLogger(__name__)
X, Y = make_classification(20, 4, random_state=0)


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclasses.dataclass
class Settings:
    depth: int = 3
    names: set = dataclasses.field(default_factory=lambda: {"one", "two", "three"})


class Slots:
    __slots__ = ("names", "number")

    def __init__(self):
        self.names, self.number = {"a", "b", "c"}, 1


class Scorer:
    """Callable, cyclic, with a lock's worth of descriptors."""

    def __init__(self):
        self.names = frozenset({"p", "q", "r"})
        self.itself = self

    @property
    def first(self):
        return min(self.names)

    @functools.cached_property
    def last(self):
        return max(self.names)

    @staticmethod
    def among(name):
        return name in {"m", "n", "o"}

    @classmethod
    def make(cls):
        return cls()

    def __call__(self, estimator, X, y):
        return super().__hash__()


class Transformer(BaseEstimator):
    def __init__(self, names=frozenset({"x", "y", "z"})):
        self.names = names

    def fit(self, X, y=None):
        return even(len(NAMES))


class Net(torch.nn.Module):
    def __init__(self, n_units=3):
        super().__init__()
        self.layer = torch.nn.Linear(4, n_units)
        with torch.no_grad():
            self.layer.weight.fill_(0.5)
            self.layer.bias.zero_()

    def forward(self, X):
        return self.layer(X)


def scorer(estimator, X, y):
    def is_known(name):
        return name in {"one", "two", "three"} and even(2)

    logger.debug("scored")
    return Colour.RED, Settings(), [is_known(name) for name in NAMES]


def even(number):
    return number == 0 or odd(number - 1)


def odd(number):
    return number != 0 and even(number - 1)


@functools.cache
def cached(number):
    return even(number)


@functools.wraps(scorer)
def wrapper(*args):
    return scorer(*args)


def recursive():
    def fall(number):
        return number and fall(number - 1)

    return fall


CYCLE = [{"names": NAMES}]
CYCLE.append(CYCLE)

OBJECTS = {
    "a function": scorer,
    "mutual recursion": even,
    "a recursive inner function": recursive(),
    "a lambda with a set": lambda name: name in {"a", "b", "c"},
    "a cached function": cached,
    "a wrapper": wrapper,
    "a partial": functools.partial(scorer, NAMES),
    "a callable": Scorer(),
    "a bound method": Scorer().__call__,
    "a class method": Scorer.make,
    "a static method": Scorer.among,
    "a class": Scorer,
    "an enumeration": Colour,
    "its member": Colour.BLUE,
    "a data class": Settings(),
    "slots": Slots(),
    "a named tuple": collections.namedtuple("Pair", "a b")(1, {"a", "b", "c"}),
    "a cycle": CYCLE,
    "a set of functions": {even, odd, scorer},
    "nested sets": {("a", frozenset({"b", "c", "d"})), ("e", frozenset({"f", "g"}))},
    "a dict from a set": dict.fromkeys(NAMES),
    "an object array": np.array([NAMES, "x", None], dtype=object),
    "a sparse matrix": sparse.lil_array(np.eye(3)),
    "a masked array": np.ma.array([1, 2], mask=[0, 1]),
    "a pipeline": make_pipeline(Transformer(), StandardScaler(), LogisticRegression()),
    "a search": RandomizedSearchCV(LogisticRegression(), {"C": stats.loguniform(1, 9)}),
    "a frozen estimator": FrozenEstimator(LogisticRegression().fit(X, Y)),
    "a splitter": StratifiedKFold(2, shuffle=True, random_state=0),
    "a transformer of a lambda": FunctionTransformer(lambda x: x in {"a", "b", "c"}),
    "a scorer": make_scorer(accuracy_score, normalize=False),
    "a named scorer": get_scorer("roc_auc"),
    "a generator": np.random.default_rng(0),
    "a random state": np.random.RandomState(0),
    "a torch generator": torch.Generator().manual_seed(0),
    "a tensor": torch.arange(3, dtype=torch.bfloat16),
    "a net": Net(),
    "a net class": Net,
    "a skorch net": clone(NeuralNetClassifier(Net, module__n_units=2)),
}


def descriptions():
    return {name: describe(value) for name, value in OBJECTS.items()}


if __name__ == "__main__":
    import fingerprint_objects

    # Not of the main module: names of functions count.
    print(json.dumps(fingerprint_objects.descriptions()))
