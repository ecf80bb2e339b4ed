"""What a valuator's own models think of the labels."""

import numpy as np

from ._label_errors import Evidence, plausible_labels
from ._label_noise import normalised


class LabelOpinions:
    """Part of every valuator: class probabilities, and which labels they believe."""

    # Whether `class_probabilities_` come from models trained on the labels they judge.
    _saw_labels = False

    def _keep_class_probabilities(self, probabilities):
        """Set what the models make of each row; None: nothing."""
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
