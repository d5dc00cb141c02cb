"""The support vector regression of BRISQUE, its settings chosen on photographs left out."""

from collections.abc import Sequence

from workbench.evaluation.held_out import Floats, Predict

# BRISQUE's authors tuned C and gamma on a grid too; both sides are standardised here.
GRID = {"regressor__svr__C": (1.0, 10.0, 100.0), "regressor__svr__gamma": (0.003, 0.01, 0.03)}
EPSILON = 0.1  # of standardised targets; errors below it cost nothing
INNER_FOLDS = 3


def fit_support_vectors(features: Floats, target: Floats, photographs: Sequence[str]) -> Predict:
    """Fit an SVR with radial kernel to standardised features and target.

    C and gamma are those of the grid with the least squared error on inner folds, which divide the
    given images by photograph; with one photograph the middle of the grid is taken.

    Args:
        features: (n, F).
        target: (n,).
        photographs: Photograph of each image.

    Returns:
        From features, (M, F), to the target, (M,).
    """
    # Importing scikit-learn takes half a second that commands without baselines need not wait for.
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.model_selection import GridSearchCV, GroupKFold
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVR

    machine = SVR(C=10.0, gamma=0.01, epsilon=EPSILON)
    steps = Pipeline([("scale", StandardScaler()), ("svr", machine)])
    model = TransformedTargetRegressor(steps, transformer=StandardScaler())
    folds = min(INNER_FOLDS, len(set(photographs)))
    if folds > 1:
        inner = GroupKFold(folds)
        model = GridSearchCV(model, GRID, cv=inner, scoring="neg_mean_squared_error")
        fitted = model.fit(features, target, groups=list(photographs))
    else:
        fitted = model.fit(features, target)
    predict: Predict = fitted.predict
    return predict
