"""A support vector machine on scikit-learn's handwritten digits: a parameter dictionary goes in, numbers come out."""

from sklearn.datasets import load_digits
from sklearn.model_selection import cross_val_score
from sklearn.preprocessing import minmax_scale
from sklearn.svm import SVC


def objective(params):
    images, digits = load_digits(return_X_y=True)
    model = SVC(C=params["C"], gamma=params["gamma"])
    return {"accuracy": cross_val_score(model, minmax_scale(images), digits, cv=3).mean()}
