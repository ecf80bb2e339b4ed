"""The order of the gallery: from what one meets first to what fewer need."""

FIRST = [
    "plot_quickstart",
    "plot_inspection",
    "plot_pipeline_grid_search",
    "plot_consensus",
    "plot_evaluation",
    "plot_data_shapley",
    "plot_knn_shapley",
    "plot_influence",
    "plot_amortized_new_rows",
    "plot_amortized_bias",
    "plot_amortization_theorem",
    "plot_feature_attribution",
    "plot_amortized_attribution",
    "plot_datamodels",
]


class GalleryOrder:
    """Sort examples as listed; new ones follow by name."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, file_name):
        """Key of an example."""
        stem = file_name.removesuffix(".py")
        place = FIRST.index(stem) if stem in FIRST else len(FIRST)
        return place, stem
