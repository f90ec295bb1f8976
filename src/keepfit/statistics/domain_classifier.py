"""The domain classifier: can a model tell a row of the window from one of the reference?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from keepfit.statistic import OfTables, Shown

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["DomainClassifier"]

#: With fewer rows on a side a classifier learns nothing.
FEWEST = 100
#: Names of a column that the classifier tells apart; the others are one.
_NAMES = 100
_FOLDS = 3


class DomainClassifier:
    """Of all numbers, truth values and names together: the area under the ROC curve on rows that it was not fitted on.

    0.5 where nobody can tell the rows apart, 1 where every row tells; a little chance goes either way. It finds changes
    in how columns go together, which no column shows by itself.

    Notes
    -----
    Friedman (2003), On Multivariate Goodness-of-Fit and Two-Sample Testing, SLAC-PUB-10325; gradient boosted trees in
    three folds, drawn by a fixed seed.
    """

    kind = "domain_classifier"
    asks: Literal["table"] = "table"
    unit = "area under the curve"

    def __call__(self, sides: OfTables) -> Shown | None:
        import numpy as np

        if min(sides.reference.height, sides.window.height) < FEWEST:
            return None
        features, named = _matrix(sides)
        if features.shape[1] == 0:
            return None
        from sklearn.ensemble import HistGradientBoostingClassifier
        from sklearn.metrics import roc_auc_score
        from sklearn.model_selection import StratifiedKFold, cross_val_predict

        of_window = np.repeat([0, 1], [sides.reference.height, sides.window.height])
        model = HistGradientBoostingClassifier(
            max_iter=40, max_leaf_nodes=15, min_samples_leaf=20, categorical_features=named, early_stopping=False, random_state=0
        )
        folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
        said = cross_val_predict(model, features, of_window, cv=folds, method="predict_proba")[:, 1]
        return Shown(float(roc_auc_score(of_window, said)))


def _matrix(sides: OfTables) -> tuple[NDArray[np.float64], list[bool]]:
    """Both sides as numbers, the reference first, and which columns are codes of names; moments are left out: time always goes on."""
    import numpy as np
    import polars as pl

    columns: list[Any] = []
    named: list[bool] = []
    both = pl.concat([sides.reference, sides.window], how="vertical_relaxed")
    for values in both.get_columns():
        if values.dtype.is_numeric() or values.dtype == pl.Boolean:
            columns.append(values.cast(pl.Float64).fill_null(float("nan")).to_numpy())
            named.append(False)
        elif values.dtype == pl.String:
            columns.append(_codes(values))
            named.append(True)
    return (np.column_stack(columns) if columns else np.empty((both.height, 0))), named


def _codes(values: pl.Series) -> NDArray[np.float64]:
    import polars as pl

    often = values.drop_nulls().value_counts(sort=True).head(_NAMES).to_series(0)
    codes = values.replace_strict(often, pl.Series(range(len(often)), dtype=pl.Float64), default=float(len(often)), return_dtype=pl.Float64)
    return codes.set(values.is_null(), float("nan")).to_numpy()
