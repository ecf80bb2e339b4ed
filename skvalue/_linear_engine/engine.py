"""The batched engine as `applies` hands it out: arrays in, float64 arrays out."""

from contextlib import contextmanager

import numpy as np
import torch

from ..utils._threads import one_thread
from ..utils._torch_state import plain_torch
from . import MAX_JOINT_PARAMETERS
from .costs import column_cost, joint_cost
from .leave_one_out import leave_one_out
from .permutation_walk import walk
from .problem import LinearProblem
from .shared_subsets import in_out, in_out_sums

# Elements of the arrays that hold one number for each row of each coalition.
BLOCK_ELEMENTS = {"scores": 2**21, "walk": 2**21, "in_out": 2**20}
ROW_ELEMENTS = 2**22
LARGEST_BLOCK = {"scores": 256, "walk": 64, "in_out": 64}
SMALLEST_BLOCK = 16
# One Hessian of all classes of a multinomial model is held at a time, so a block may
# have more coalitions than would fit; enough for their fits to be worth a batch.
JOINT_SHARE = 4
# Groups are few, and their coalitions solved to rounding: dearer than refits beyond.
MAX_EXACT_SCORES = 512
# For leave-one-out it is inverted once.
MAX_EXACT_PARAMETERS = 2048


class LinearEngine:
    """Utilities and contributions of rows to regularised linear models.

    Parameters
    ----------
    X, y, X_val, y_val : ndarray
        Training and held-out rows.

    dtype : {"float32", "float64"}
        Precision of the products.

    **game
        The other parameters of `LinearProblem`.
    """

    def __init__(self, X, y, X_val, y_val, *, dtype, **game):
        with inference():
            self.problem = LinearProblem(
                X, y, X_val, y_val, dtype=getattr(torch, dtype), **game
            )

    @property
    def supports_in_out(self):
        """Whether `in_out` is affordable: not with thousands of joint parameters."""
        problem = self.problem
        if problem.kind != "multinomial":
            return True
        return problem.n_classes * problem.width <= MAX_JOINT_PARAMETERS

    @property
    def in_out_operations(self):
        """Multiplications that a coalition's shared contributions cost, about.

        A function of the shape of the problem and of its penalties.
        """
        problem = self.problem
        n, K = len(problem.X), problem.n_classes
        if problem.kind != "multinomial":
            return column_cost(n, problem.width, len(problem.X_val))
        # What the penalties leave of the columns, for probabilities without knowledge.
        curvature = n / 2 * (K - 1) / K**2
        freedom = float((curvature / (curvature + problem.penalty)).mean())
        width = min(problem.width, n + 1)
        return joint_cost(n, width, K, len(problem.X_val), round(freedom, 2))

    @property
    def supports_exact_scores(self):
        """Whether an exact engine's `scores` cost less than refits."""
        problem = self.problem
        if problem.kind != "multinomial":
            return True
        return problem.n_classes * problem.width <= MAX_EXACT_SCORES

    @property
    def supports_leave_one_out(self):
        """Whether `leave_one_out` is affordable, as `supports_in_out` of `in_out`."""
        problem = self.problem
        if problem.kind != "multinomial":
            return True
        return problem.n_classes * problem.X.shape[1] <= MAX_EXACT_PARAMETERS

    def block_size(self, kind="scores"):
        """Coalitions (permutations) a call that use time and memory well.

        Parameters
        ----------
        kind : {"scores", "walk", "in_out"}, default="scores"
            The method that will be called.

        Returns
        -------
        size : int
            A function of the shape of the problem only.
        """
        problem = self.problem
        n = len(problem.X)
        # Not the rank of the rows, which rounding decides.
        p = min(problem.width, n + 1)
        columns = len(problem.target)
        inverse = p * p
        if kind == "in_out" and problem.kind == "multinomial":
            inverse = (columns * p) ** 2 // JOINT_SHARE
        if kind == "in_out" and problem.by_row:
            # One number for each pair of rows is held.
            room = ROW_ELEMENTS // (n * len(problem.X_val))
            return max(1, min(LARGEST_BLOCK[kind], room))
        room = BLOCK_ELEMENTS[kind] // max(n * columns, inverse)
        smallest = SMALLEST_BLOCK if n * columns >= inverse else 1
        return max(smallest, min(LARGEST_BLOCK[kind], room))

    def scores(self, masks):
        """Utility of each coalition.

        Parameters
        ----------
        masks : array-like of shape (n_coalitions, n_samples)
            1 or True where the row belongs to the coalition.

        Returns
        -------
        utilities : ndarray of shape (n_coalitions,), dtype float64
            In units of the scoring.
        """
        problem = self.problem
        with inference():
            masks = self._masks(masks)
            counts = masks @ problem.members
            plain = problem.needs_model(counts)
            utilities = problem.without_model(counts)
            if plain.any():
                sizes = counts[plain].sum(1)
                theta = problem.fit(masks[plain], sizes, counts[plain])
                utilities[plain] = problem.values(theta, counts[plain])
            return _finite(utilities)

    def walk(self, permutations, min_size):
        """Marginal contribution of each row at its place in each permutation.

        Parameters
        ----------
        permutations : array-like of int, shape (n_permutations, n_samples)
            Each a permutation of the rows.

        min_size : int
            Size of the coalition that each walk starts from.

        Returns
        -------
        contributions : ndarray of shape (n_permutations, n_samples), dtype float64
            Column ``i`` belongs to row ``i``; NaN for the first `min_size` rows of the
            permutation.
        """
        with inference():
            permutations = torch.tensor(
                np.asarray(permutations, dtype=np.int64), device=self.problem.X.device
            )
            contributions = walk(self.problem, permutations, int(min_size))
            return _finite(contributions, len(permutations) * int(min_size))

    def in_out(self, masks):
        """Contribution of every row to every coalition.

        Parameters
        ----------
        masks : array-like of shape (n_coalitions, n_samples)
            1 or True where the row belongs to the coalition T.

        Returns
        -------
        contributions : ndarray of shape (n_coalitions, n_samples), dtype float64
            U(T) - U(T without i) for a row i of T, U(T with i) - U(T) for another.
        """
        if not self.supports_in_out:
            raise ValueError(
                f"in_out needs at most {MAX_JOINT_PARAMETERS} parameters a model, not "
                f"{self.problem.n_classes * self.problem.width}; use walk."
            )
        with inference():
            return _finite(in_out(self.problem, self._masks(masks)))

    def in_out_sums(self, masks, weights):
        """Weighted sums of `in_out` over coalitions, of an engine by row.

        Parameters
        ----------
        masks : array-like of shape (n_coalitions, n_samples)
            1 or True where the row belongs to the coalition.

        weights : ndarray of shape (n_coalitions, n_samples)
            Of each row's contribution to each coalition.

        Returns
        -------
        sums : ndarray of shape (n_samples, n_val), dtype float64
            The contributions of one coalition are held at a time.
        """
        with inference():
            weights = torch.tensor(weights, device=self.problem.X.device)
            return _finite(in_out_sums(self.problem, self._masks(masks), weights))

    def leave_one_out(self, rows):
        """Contribution of some rows to all others, of an exact engine.

        Parameters
        ----------
        rows : array-like of int, shape (n_rows,)
            Row numbers.

        Returns
        -------
        contributions : ndarray of shape (n_rows,), dtype float64
            U(N) - U(N without i), each model solved until rounding ends it.
        """
        with inference():
            rows = torch.tensor(
                np.asarray(rows, dtype=np.int64), device=self.problem.X.device
            )
            return _finite(leave_one_out(self.problem, rows))

    def _masks(self, masks):
        masks = np.asarray(masks)
        dtype = np.float32 if self.problem.dtype == torch.float32 else np.float64
        return torch.from_numpy(masks.astype(dtype)).to(self.problem.X.device)


def _finite(values, n_missing=0):
    """As an array, if but for so many places all is a number."""
    if int(values.isfinite().sum()) != values.numel() - n_missing:
        raise ValueError(
            "Scores of coalitions of X left the range of numbers; rescale X and X_val, "
            "for example with StandardScaler, and real targets y."
        )
    return values.cpu().numpy()


@contextmanager
def inference():
    """One thread and no gradients, whatever the caller's torch is set to."""
    with one_thread(), plain_torch(), torch.inference_mode():
        yield
