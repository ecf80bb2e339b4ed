"""`check_valuator` lets good valuators pass, and tells what is wrong with others."""

import random

import numpy as np
import pytest
from _valuators import NeighbourAgreement

from skvalue.base import BaseValuator
from skvalue.utils.estimator_checks import check_valuator, valuator_checks_generator


def run(valuator, check_name):
    checks = {c.__name__: c for _, c in valuator_checks_generator(valuator)}
    checks[check_name](valuator)


def test_a_good_valuator_passes():
    results = check_valuator(NeighbourAgreement())
    assert {result["status"] for result in results} == {"passed"}
    assert len(results) >= 18


def test_a_class_is_no_instance():
    with pytest.raises(TypeError, match="instance"):
        check_valuator(NeighbourAgreement)


class Upside(NeighbourAgreement):
    """Higher is worse."""

    def _fit(self, X, y, X_val, y_val):
        super()._fit(X, y, X_val, y_val)
        self.data_values_ = -self.data_values_


def test_an_expected_failure_is_reported_with_its_reason():
    reason = "a reason"
    with pytest.raises(AssertionError, match="upside down"):
        check_valuator(Upside())
    results = check_valuator(
        Upside(), expected_failed_checks={"check_flipped_labels": reason}
    )
    (failed,) = [result for result in results if result["status"] == "xfail"]
    assert failed["check_name"] == "check_flipped_labels"
    assert failed["expected_to_fail_reason"] == reason
    assert isinstance(failed["exception"], AssertionError)


def test_an_unknown_expected_failure_is_an_error():
    with pytest.raises(ValueError, match="check_nothing"):
        check_valuator(
            NeighbourAgreement(), expected_failed_checks={"check_nothing": "typo"}
        )


class Unseeded(NeighbourAgreement):
    def _fit(self, X, y, X_val, y_val):
        super()._fit(X, y, X_val, y_val)
        self.data_values_ += np.random.default_rng().random(len(y))


class GlobalNumpy(NeighbourAgreement):
    def _fit(self, X, y, X_val, y_val):
        super()._fit(X, y, X_val, y_val)
        np.random.seed(0)
        self.data_values_ += np.random.rand(len(y))


class GlobalPython(NeighbourAgreement):
    def _fit(self, X, y, X_val, y_val):
        super()._fit(X, y, X_val, y_val)
        random.random()


class GlobalTorch(NeighbourAgreement):
    def _fit(self, X, y, X_val, y_val):
        import torch

        super()._fit(X, y, X_val, y_val)
        torch.manual_seed(0)


class ReadsGlobalState(NeighbourAgreement):
    def _fit(self, X, y, X_val, y_val):
        super()._fit(X, y, X_val, y_val)
        self.data_values_ += np.random.get_state()[1][0] / 2**32


class WarmWithoutAsking(NeighbourAgreement):
    def _fit(self, X, y, X_val, y_val):
        before = getattr(self, "data_values_", 0.0)
        super()._fit(X, y, X_val, y_val)
        self.data_values_ = self.data_values_ + before


class ReadsLabelNames(NeighbourAgreement):
    def _fit(self, X, y, X_val, y_val):
        super()._fit(X, y, X_val, y_val)
        self.data_values_ += len(str(self.classes_[0]))


class SortsItsFrame(NeighbourAgreement):
    def _frame_columns(self):
        columns = super()._frame_columns()
        return columns | {"value": np.sort(columns["value"])}


class ForgetsTheIndex(NeighbourAgreement):
    def _fit(self, X, y, X_val, y_val):
        super()._fit(X, y, X_val, y_val)
        self._row_names = type(self._row_names)()


class InventsLabels(NeighbourAgreement):
    def _suggestions(self):
        return {"suggested_label": np.array(["ugly"] * 60)}


class ClassificationOnly(NeighbourAgreement):
    def _fit(self, X, y, X_val, y_val):
        if not hasattr(self, "classes_"):
            raise ValueError("cannot do that")
        super()._fit(X, y, X_val, y_val)


class ChangesParameter(NeighbourAgreement):
    def _fit(self, X, y, X_val, y_val):
        super()._fit(X, y, X_val, y_val)
        self.n_neighbors = 3


class WritesToX(NeighbourAgreement):
    def _fit(self, X, y, X_val, y_val):
        super()._fit(X, y, X_val, y_val)
        if X.flags.writeable:
            X += 1


class HoldsGenerator(NeighbourAgreement):
    def _fit(self, X, y, X_val, y_val):
        super()._fit(X, y, X_val, y_val)
        self.stream_ = (row for row in X)


class ShowsDroppedRows(NeighbourAgreement):
    def fit_transform(self, X, y, *, X_val=None, y_val=None):
        super().fit_transform(X, y, X_val=X_val, y_val=y_val)
        self.fill_indices_ = np.arange(len(y))
        return X


class CleansNewRows(NeighbourAgreement):
    def transform(self, X):
        return super().transform(X)[::-1].copy()


class RestrictsDrop(NeighbourAgreement):
    def get_support(self, indices=False):
        keep = self.data_values_ > np.quantile(self.data_values_, 0.5)
        return np.flatnonzero(keep) if indices else keep


class Extrapolates(NeighbourAgreement):
    def predict_values(self, X, y):
        return np.full(len(X), np.mean(X))


@pytest.mark.parametrize(
    ("valuator", "check_name", "message"),
    [
        (Unseeded(), "check_same_seed", "random_state"),
        (WarmWithoutAsking(), "check_same_seed", "earlier fit"),
        (GlobalNumpy(), "check_global_random_state", "numpy"),
        (GlobalPython(), "check_global_random_state", "random"),
        (GlobalTorch(), "check_global_random_state", "torch"),
        (ReadsGlobalState(), "check_global_random_state", "another global"),
        (ReadsLabelNames(), "check_label_names", "codes"),
        (SortsItsFrame(), "check_values_frame", "column 'value'"),
        (ForgetsTheIndex(), "check_values_frame", "index of X"),
        (InventsLabels(), "check_values_frame", "'ugly'"),
        (ClassificationOnly(), "check_regression", "name y"),
        (ChangesParameter(), "check_parameters_unmodified", "n_neighbors"),
        (WritesToX(), "check_inputs_unmodified", "wrote to"),
        (ShowsDroppedRows(), "check_fit_transform", "dropped row"),
        (CleansNewRows(), "check_transform", "only fit_transform cleans"),
        (RestrictsDrop(), "check_drop", "drop="),
        (RestrictsDrop(), "check_drop_never_empties_a_class", "drop"),
        (Extrapolates(), "check_predict_values", "together"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_broken_promise_is_found_and_explained(valuator, check_name, message):
    with pytest.raises(AssertionError, match=message) as error:
        run(valuator, check_name)
    assert type(valuator).__name__ in str(error.value)


def test_a_fitted_generator_cannot_be_pickled():
    with pytest.raises(TypeError, match="pickle"):
        run(HoldsGenerator(), "check_pickle")


# --------------------------------------------------------- budgets, workers, resuming


class Sampler(BaseValuator):
    """Mean of `max_evaluations` random numbers a row, one seed an evaluation."""

    # What a kill leaves behind; `flaw` breaks one promise at a time.
    _parameter_constraints = {
        **BaseValuator._parameter_constraints,
        "flaw": [str, None],
        "max_evaluations": [int, None],
        "warm_start": ["boolean"],
        "checkpoint": [str, None],
        "n_jobs": [int, None],
    }

    def __init__(
        self,
        *,
        flaw=None,
        max_evaluations=None,
        warm_start=False,
        checkpoint=None,
        n_jobs=None,
        drop="auto",
        random_state=None,
        verbose=0,
    ):
        super().__init__(drop=drop, random_state=random_state, verbose=verbose)
        self.flaw = flaw
        self.max_evaluations = max_evaluations
        self.warm_start = warm_start
        self.checkpoint = checkpoint
        self.n_jobs = n_jobs

    def _fit(self, X, y, X_val, y_val):
        count, total = 0, np.zeros(len(y))
        if self.warm_start and hasattr(self, "state_"):
            count, total = self.state_
        if self.checkpoint is not None:
            try:
                with np.load(self.checkpoint) as saved:
                    count, total = int(saved["count"]), saved["total"]
            except FileNotFoundError:
                pass
        start = count
        shift = (self.n_jobs or 1) if self.flaw == "n_jobs" else 0
        for seed in range(start, self.max_evaluations or 20):
            stream = seed - start if self.flaw == "stream" else seed
            key = (self.random_state + shift, stream)
            total = total + np.random.default_rng(key).random(len(y))
            count += 1
        if self.checkpoint is not None:
            with open(self.checkpoint, "wb") as file:
                np.savez(file, count=count, total=total)
        self.state_ = count, total
        self.n_evaluations_ = count - (start if self.flaw == "count" else 0)
        self.data_values_ = total / count


def test_a_good_sampler_passes_the_checks_of_its_budget():
    for name in ["check_n_jobs", "check_checkpoint", "check_warm_start"]:
        run(Sampler(), name)
        run(Sampler(max_evaluations=10), name)


@pytest.mark.parametrize(
    ("flaw", "check_name", "message"),
    [
        ("n_jobs", "check_n_jobs", "order of the seeds"),
        ("stream", "check_checkpoint", "next seed"),
        ("stream", "check_warm_start", "next seed"),
        ("count", "check_checkpoint", "n_evaluations_"),
        ("count", "check_warm_start", "n_evaluations_"),
    ],
)
def test_a_flawed_sampler_is_found(flaw, check_name, message):
    with pytest.raises(AssertionError, match=message):
        run(Sampler(flaw=flaw), check_name)


class Remembering(NeighbourAgreement):
    """With `memory`; values that depend on `drop` are a flaw."""

    _parameter_constraints = {
        **NeighbourAgreement._parameter_constraints,
        "flaw": [str, None],
    }

    def __init__(
        self, *, flaw=None, drop="auto", random_state=None, memory=None, verbose=0
    ):
        super().__init__(drop=drop, random_state=random_state, verbose=verbose)
        self.flaw = flaw
        self.memory = memory

    def _fit(self, X, y, X_val, y_val):
        super()._fit(X, y, X_val, y_val)
        if self.flaw == "drop":
            self.data_values_ += self.drop == 0.0


def test_a_good_memory_passes_and_one_of_drop_is_found():
    run(Remembering(), "check_memory")
    with pytest.raises(AssertionError, match="_fit must depend on nothing but"):
        run(Remembering(flaw="drop"), "check_memory")


def test_checks_of_parameters_run_only_where_they_exist():
    names = {c.__name__ for _, c in valuator_checks_generator(NeighbourAgreement())}
    assert not names & {
        *("check_n_jobs", "check_memory", "check_checkpoint", "check_warm_start")
    }
