"""``mlflow models serve``: base64 in JSON, since it takes no bytes; two workers."""

from __future__ import annotations

import base64
from typing import Any

import mlflow

from benchmarks.servers.pipeline import Pipeline


class Model(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    def load_context(self, context: Any) -> None:
        self.pipeline = Pipeline()

    def predict(self, context: Any, model_input: Any, params: Any = None) -> list[dict[str, Any]]:
        return [self.pipeline(base64.b64decode(text)) for text in model_input["picture"]]


mlflow.models.set_model(Model())
