"""Every private scikit-learn name that skvalue uses, so that a rename is one edit."""

from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils._dataframe import is_pandas_df, is_polars_df
from sklearn.utils._indexing import _get_column_indices as get_column_indices
from sklearn.utils._metadata_requests import METHODS
from sklearn.utils._missing import is_pandas_na
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    InvalidParameterError,
    Options,
    RealNotInt,
    StrOptions,
    validate_params,
)
from sklearn.utils._set_output import _get_output_config as get_output_config
from sklearn.utils.metadata_routing import _routing_enabled as routing_enabled
from sklearn.utils.metaestimators import _BaseComposition as BaseComposition
from sklearn.utils.validation import (
    _check_feature_names_in as check_feature_names_in,
)
from sklearn.utils.validation import _check_method_params as check_method_params
from sklearn.utils.validation import _check_sample_weight as check_sample_weight
from sklearn.utils.validation import _check_y as check_y
from sklearn.utils.validation import _estimator_has as estimator_has
from sklearn.utils.validation import _get_feature_names as get_feature_names
from sklearn.utils.validation import _num_samples as num_samples

__all__ = [
    "METHODS",
    "BaseComposition",
    "HasMethods",
    "Interval",
    "InvalidParameterError",
    "Options",
    "RealNotInt",
    "StrOptions",
    "check_feature_names_in",
    "check_method_params",
    "check_sample_weight",
    "check_y",
    "estimator_has",
    "get_column_indices",
    "get_feature_names",
    "get_output_config",
    "is_pandas_df",
    "is_pandas_na",
    "is_polars_df",
    "num_samples",
    "routing_enabled",
    "safe_indexing",
    "validate_params",
]
