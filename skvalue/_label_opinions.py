"""What a valuator's own models think of the labels."""

import numpy as np
from sklearn.base import BaseEstimator

from ._label_errors import Evidence, normalised, plausible_labels


class LabelOpinions(BaseEstimator):
    """Part of every valuator: class probabilities, and which labels they believe."""

    # Whether `class_probabilities_` come from models trained on the labels they judge.
    _saw_labels = False

    def _keep_class_probabilities(self, probabilities):
        """Set what models that did not see a row's label make of it; None: nothing."""
        for name in ("class_probabilities_", "label_probabilities_"):
            vars(self).pop(name, None)
        if probabilities is not None:
            own = np.arange(len(probabilities)), self._target
            self.class_probabilities_ = normalised(probabilities)
            self.label_probabilities_ = self.class_probabilities_[own]

    def _label_evidence(self):
        """What each model thinks of the labels."""
        probabilities = getattr(self, "class_probabilities_", None)
        if probabilities is None:
            return []
        return [Evidence(probabilities, self._saw_labels)]

    def _plausible_rows(self):
        """Rows whose label the method believes; None without an opinion."""
        evidence = self._label_evidence()
        if evidence:
            return plausible_labels(evidence, self._target)
        probabilities = getattr(self, "label_probabilities_", None)
        return None if probabilities is None else probabilities >= 0.5

    def _suggested_labels(self, X=None):
        """The likeliest class of each training row and its probability.

        None where the method has no opinion. A method that only has class values names
        the class of the highest, of the training rows `X`, and None as probabilities.
        """
        probabilities = getattr(self, "class_probabilities_", None)
        if probabilities is None:
            return None
        best = probabilities.argmax(axis=1)
        return self.classes_[best], probabilities.max(axis=1)
