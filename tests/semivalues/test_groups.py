"""Groups of rows as players: exact values, sampled ones, and what rows get of them."""

from itertools import combinations
from math import comb

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import betaln
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.neighbors import KNeighborsClassifier

from skvalue import (
    AME,
    AmortizedShapley,
    BetaShapley,
    DataBanzhaf,
    DataShapley,
    LeaveOneOut,
    Semivalue,
    SubsampleInfluence,
)

N_GROUPS = 8

# The batched engine solves it as far.
MODEL = LogisticRegression(tol=1e-8, max_iter=1000)


@pytest.fixture(scope="module")
def problem():
    X, y = make_classification(140, 5, class_sep=1.5, random_state=3)
    groups = np.random.default_rng(0).integers(N_GROUPS, size=80)
    groups[:N_GROUPS] = np.arange(N_GROUPS)
    wrong = groups < 2
    labels = np.where(wrong, 1 - y[:80], y[:80])
    names = np.array([f"source {group}" for group in groups])
    return X[:80], labels, names, X[80:], y[80:]


@pytest.fixture(scope="module")
def worth(problem):
    """Utility of every coalition of groups, by plain scikit-learn."""
    X, y, names, X_val, y_val = problem
    groups = np.unique(names, return_inverse=True)[1]
    table = {}
    for size in range(N_GROUPS + 1):
        for members in combinations(range(N_GROUPS), size):
            rows = np.isin(groups, members)
            if not rows.any():
                table[members] = np.bincount(y, minlength=2)[y_val].mean() / len(y)
                continue
            model = MODEL.fit(X[rows], y[rows])
            probability = model.predict_proba(X_val)
            table[members] = probability[np.arange(len(y_val)), y_val].mean()
    return table


def brute_force(worth, share):
    """Semivalue by its definition; `share` of a size is that of one coalition."""
    values = np.zeros(N_GROUPS)
    for members, before in worth.items():
        for player in set(range(N_GROUPS)).difference(members):
            joined = worth[tuple(sorted((*members, player)))]
            values[player] += share(len(members)) * (joined - before)
    return values


def shapley_share(size):
    return 1 / (N_GROUPS * comb(N_GROUPS - 1, size))


def beta_share(size):
    return np.exp(betaln(size + 1, N_GROUPS - 1 - size + 16) - betaln(16, 1))


def ame_share(size):
    p = np.array([0.2, 0.4, 0.6, 0.8])
    return np.mean(p**size * (1 - p) ** (N_GROUPS - 1 - size))


def banzhaf_share(size):
    return 0.5 ** (N_GROUPS - 1)


BY_SHARE = {
    "Shapley": (DataShapley, shapley_share),
    "Beta": (BetaShapley, beta_share),
    "Banzhaf": (DataBanzhaf, banzhaf_share),
    "AME": (AME, ame_share),
}


@pytest.mark.parametrize("name", BY_SHARE)
def test_few_groups_are_valued_exactly(problem, worth, name):
    X, y, names, X_val, y_val = problem
    kind, share = BY_SHARE[name]
    valuator = kind(estimator=MODEL, unit="groups", random_state=0)
    valuator.fit(X, y, X_val=X_val, y_val=y_val, groups=names)
    assert_array_equal(valuator.groups_, np.unique(names))
    assert_allclose(valuator.group_values_, brute_force(worth, share), atol=1e-6)
    assert valuator.n_evaluations_ == 2**N_GROUPS
    codes = np.searchsorted(valuator.groups_, names)
    expected = (valuator.group_values_ / np.bincount(codes))[codes]
    assert_array_equal(valuator.data_values_, expected)
    if name != "AME":
        assert_array_equal(valuator.group_values_stderr_, np.zeros(N_GROUPS))


def test_leave_one_group_out(problem, worth):
    X, y, names, X_val, y_val = problem
    valuator = LeaveOneOut(MODEL, unit="groups").fit(
        X, y, X_val=X_val, y_val=y_val, groups=names
    )
    everyone = tuple(range(N_GROUPS))
    expected = [
        worth[everyone] - worth[everyone[:player] + everyone[player + 1 :]]
        for player in everyone
    ]
    assert_allclose(valuator.group_values_, expected, rtol=0, atol=1e-12)
    assert valuator.n_evaluations_ == N_GROUPS + 1


def test_subsample_influence_of_groups(problem, worth):
    X, y, names, X_val, y_val = problem
    valuator = SubsampleInfluence(MODEL, unit="groups", subsample=0.5)
    valuator.fit(X, y, X_val=X_val, y_val=y_val, groups=names)
    half = {members: u for members, u in worth.items() if len(members) == N_GROUPS / 2}
    expected = [
        np.mean([u for members, u in half.items() if player in members])
        - np.mean([u for members, u in half.items() if player not in members])
        for player in range(N_GROUPS)
    ]
    assert_allclose(valuator.group_values_, expected, atol=1e-4)


def test_shapley_values_of_groups_share_what_all_of_them_add(problem, worth):
    X, y, names, X_val, y_val = problem
    valuator = DataShapley(KNeighborsClassifier(3), unit="groups", scoring="accuracy")
    valuator.fit(X, y, X_val=X_val, y_val=y_val, groups=names)
    accuracy = KNeighborsClassifier(3).fit(X, y).score(X_val, y_val)
    majority = np.mean(y_val == np.bincount(y).argmax())
    assert_allclose(valuator.group_values_.sum(), accuracy - majority, atol=1e-12)
    assert_allclose(valuator.data_values_.sum(), accuracy - majority, atol=1e-12)
    wrong = valuator.group_values_[:2]
    assert wrong.max() < valuator.group_values_[2:].min()


@pytest.mark.parametrize(
    "valuator",
    [
        DataShapley(sampler="permutation"),
        DataShapley(sampler="single_permutation", min_coalition_size=2),
        DataShapley(sampler="shared"),
        BetaShapley(sampler="permutation"),
        DataBanzhaf(sampler="msr"),
        DataShapley(KNeighborsClassifier(3), sampler="permutation"),
    ],
    ids=lambda valuator: f"{type(valuator).__name__}-{valuator.sampler}",
)
def test_sampled_values_of_groups_are_near_the_exact_ones(problem, valuator):
    X, y, names, X_val, y_val = problem
    held_out = {"X_val": X_val, "y_val": y_val, "groups": names}
    valuator.set_params(unit="groups", random_state=0, tol=None, max_evaluations=1500)
    values = valuator.fit(X, y, **held_out).group_values_
    errors = valuator.group_values_stderr_
    assert 0 < errors.max() < 0.05
    exact = valuator.set_params(sampler="auto").fit(X, y, **held_out).group_values_
    assert_array_equal(valuator.group_values_stderr_, 0)
    assert (np.abs(values - exact) < 4 * errors + 1e-4).all()


def test_batched_walks_are_those_of_refits(problem):
    from skvalue.semivalues._grouped_utility import GroupedUtility
    from skvalue.semivalues._utility import Utility

    X, y, names, X_val, y_val = problem
    codes = np.unique(names, return_inverse=True)[1]
    utility = Utility(MODEL, X, y, X_val, y_val, classes=np.array([0, 1]))
    game = GroupedUtility(utility, codes)
    assert game.is_batched
    assert not game.shares_subsets
    rng = np.random.default_rng(0)
    orders = np.array([rng.permutation(N_GROUPS) for _ in range(3)])
    masks = rng.random((5, N_GROUPS)) < 0.5
    fast = [game.walk(orders), game.walk(orders, 3), game.in_out(masks)]
    utility.exact_engine = None
    assert not game.is_batched
    slow = [game.walk(orders), game.walk(orders, 3), game.in_out(masks)]
    for batched, refitted in zip(fast, slow, strict=True):
        assert_allclose(batched, refitted, atol=1e-6)


# ------------------------------------------------------------------------ budget, folds


def test_a_budget_below_the_enumeration_samples(problem):
    X, y, names, X_val, y_val = problem
    held_out = {"X_val": X_val, "y_val": y_val, "groups": names}
    valuator = DataShapley(unit="groups", max_evaluations=255, random_state=0, tol=None)
    valuator.fit(X, y, **held_out)
    assert 0 < valuator.n_evaluations_ < 256
    assert (valuator.group_values_stderr_ > 0).all()
    valuator.set_params(max_evaluations=256).fit(X, y, **held_out)
    assert valuator.n_evaluations_ == 256


def test_many_groups_are_sampled(problem):
    X, y, _, X_val, y_val = problem
    groups = np.arange(80) % 16
    valuator = DataShapley(unit="groups", max_evaluations=400, random_state=0)
    valuator.fit(X, y, X_val=X_val, y_val=y_val, groups=groups)
    assert valuator.n_evaluations_ <= 400
    assert valuator.group_values_.shape == (16,)
    assert_allclose(
        valuator.data_values_stderr_, valuator.group_values_stderr_[groups] / 5
    )


def test_a_group_is_valued_in_the_folds_that_train_on_it(problem):
    X, y, names, *_ = problem
    valuator = LeaveOneOut(
        KNeighborsClassifier(3), unit="groups", cv=GroupKFold(4)
    ).fit(X, y, groups=names)
    codes = np.searchsorted(valuator.groups_, names)
    values = [[] for _ in range(N_GROUPS)]
    for train, held_out in GroupKFold(4).split(X, y, names):
        classes = np.unique(y[train])
        held_out = held_out[np.isin(y[held_out], classes)]

        def utility(rows, held_out=held_out):
            model = KNeighborsClassifier(3).fit(X[rows], y[rows])
            return model.predict_proba(X[held_out])[range(len(held_out)), y[held_out]]

        for group in np.unique(codes[train]):
            without = train[codes[train] != group]
            values[group].append(utility(train).mean() - utility(without).mean())
    assert all(len(of_group) == 3 for of_group in values)
    assert_allclose(valuator.group_values_, [np.mean(v) for v in values], atol=1e-12)


def test_worker_counts_do_not_matter(problem):
    X, y, names, *_ = problem
    first, second = (
        DataShapley(unit="groups", cv=2, random_state=0, n_jobs=n_jobs).fit(
            X, y, groups=names
        )
        for n_jobs in (1, 2)
    )
    assert_array_equal(first.group_values_, second.group_values_)


# --------------------------------------------------------------------- going on, errors


def test_warm_start_and_checkpoint_with_groups(problem, tmp_path):
    X, y, names, X_val, y_val = problem
    held_out = {"X_val": X_val, "y_val": y_val, "groups": names}
    settings = {
        "unit": "groups",
        "sampler": "permutation",
        "random_state": 0,
        "tol": None,
    }
    whole = DataShapley(max_evaluations=320, **settings).fit(X, y, **held_out)
    path = tmp_path / "values.ckpt"
    part = DataShapley(max_evaluations=160, checkpoint=path, **settings)
    part.fit(X, y, **held_out)
    part.set_params(max_evaluations=320).fit(X, y, **held_out)
    assert_array_equal(part.group_values_, whole.group_values_)
    warm = DataShapley(max_evaluations=160, warm_start=True, **settings)
    warm.fit(X, y, **held_out).set_params(max_evaluations=320).fit(X, y, **held_out)
    assert_array_equal(warm.group_values_, whole.group_values_)
    for wrong in [warm, part]:
        with pytest.raises(ValueError, match="belongs to another run: groups differ"):
            wrong.fit(X, y, **held_out | {"groups": names[::-1]})


def test_enumerated_values_leave_a_checkpoint_alone(problem, tmp_path):
    X, y, names, X_val, y_val = problem
    path = tmp_path / "values.ckpt"
    valuator = DataShapley(
        unit="groups", warm_start=True, checkpoint=path, random_state=0
    )
    for _ in range(2):
        valuator.fit(X, y, X_val=X_val, y_val=y_val, groups=names)
        assert valuator.get_state() is None
        assert not path.exists()


@pytest.mark.parametrize(
    "valuator",
    [DataShapley(), LeaveOneOut(), AME(), SubsampleInfluence(), DataBanzhaf()],
    ids=lambda valuator: type(valuator).__name__,
)
def test_groups_as_players_need_groups(problem, valuator):
    X, y, *_ = problem
    valuator.set_params(unit="groups")
    with pytest.raises(ValueError, match=r"unit=.groups. needs groups .* got none"):
        valuator.fit(X, y)
    with pytest.raises(ValueError, match=r"unit=.groups. needs groups .* got one"):
        valuator.fit(X, y, groups=np.zeros(80))


def test_a_fold_of_one_group_is_refused(problem):
    X, y, *_ = problem
    groups = np.repeat([0, 1], 40)
    with pytest.raises(ValueError, match="training rows of one group only"):
        DataShapley(unit="groups", cv=GroupKFold(2)).fit(X, y, groups=groups)


def test_sizes_are_counted_in_groups(problem):
    X, y, names, X_val, y_val = problem
    held_out = {"X_val": X_val, "y_val": y_val, "groups": names}
    valuator = DataShapley(unit="groups", sampler="permutation", min_coalition_size=8)
    with pytest.raises(ValueError, match="game of 8 groups"):
        valuator.fit(X, y, **held_out)
    last = np.zeros(N_GROUPS)
    last[-1] = N_GROUPS
    only_last = Semivalue(lambda sizes, n: last, unit="groups").fit(X, y, **held_out)
    left_out = LeaveOneOut(unit="groups").fit(X, y, **held_out)
    assert_allclose(only_last.group_values_, left_out.group_values_, atol=1e-4)


def test_rows_as_players_sum_to_the_groups(problem):
    X, y, names, X_val, y_val = problem
    valuator = LeaveOneOut().fit(X, y, X_val=X_val, y_val=y_val, groups=names)
    plain = LeaveOneOut().fit(X, y, X_val=X_val, y_val=y_val)
    assert_array_equal(valuator.data_values_, plain.data_values_)
    sums = [plain.data_values_[names == group].sum() for group in valuator.groups_]
    assert_allclose(valuator.group_values_, sums, rtol=1e-12)


def test_amortized_values_are_those_of_rows(problem):
    X, y, names, *_ = problem
    with pytest.raises(ValueError, match=r"unit=.groups. values groups"):
        AmortizedShapley(DataShapley(unit="groups")).fit(X, y, groups=names)


def test_three_sources_are_ranked_by_their_wrong_labels():
    """0, 20 and 45 % of the labels are wrong, in 20 of 20 data sets."""
    right = 0
    for seed in range(20):
        X, y = make_classification(
            450, 8, n_informative=4, class_sep=1.5, flip_y=0, random_state=seed
        )
        rng = np.random.default_rng(seed)
        source = rng.permutation(np.arange(450) % 3)
        flipped = rng.random(450) < np.array([0.0, 0.2, 0.45])[source]
        valuator = DataShapley(unit="groups", random_state=0)
        valuator.fit(X, np.where(flipped, 1 - y, y), groups=source)
        right += list(valuator.group_values_.argsort()) == [2, 1, 0]
    assert right == 20
