"""Values learned from noisy ones, also for rows never seen."""

from ._amortized_shapley import AmortizedShapley

__all__ = ["AmortizedShapley"]
