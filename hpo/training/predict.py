"""What a model says about rows: picks the way that the task and the kind of model ask for."""

from __future__ import annotations

from typing import Any

from hpo.data.rows import Rows
from hpo.objective import Outputs
from hpo.training import predict_encoder, predict_generate, predict_likelihood
from hpo.training.question import Question


def predict(model: Any, rows: Rows, question: Question) -> Outputs:
    """Outputs for every row, in the rows' order.

    Rows are read in batches of similar length, the longest first. The result depends on the weights, the rows and the
    question alone.
    """
    question.latencies.clear()
    if not len(rows):
        return Outputs(ids=rows.ids, labels=question.labels)
    was_training = model.training
    model.eval()
    try:
        if question.resident.info.kind == "encoder":
            return predict_encoder.predict(model, rows, question)
        if question.kind == "classification" and question.settings.scoring == "label_likelihood":
            return predict_likelihood.classify(model, rows, question)
        found: dict[str, Any] = {}
        if "likelihood" in question.asked or question.kind == "language_modeling":
            found |= predict_likelihood.likelihoods(model, rows, question)
        if question.asked & {"prediction", "probabilities"} and question.kind != "language_modeling":
            found["prediction"] = predict_generate.answers(model, rows, question)
        return Outputs(ids=rows.ids, labels=question.labels, **found)
    finally:
        model.train(was_training)
