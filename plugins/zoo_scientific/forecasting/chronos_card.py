"""The card of a Chronos model in a folder, from its ``config.json``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.contract.source import ModelFolder
from zoo.entities import ModelCard
from zoo.errors import InvalidInput
from zoo_scientific.forecasting.series import KIND, TASK

LIBRARY = "chronos-forecasting"
_PIPELINES = {"ChronosBoltPipeline": "Chronos-Bolt", "Chronos2Pipeline": "Chronos-2"}


def recognise(folder: ModelFolder, config: Mapping[str, Any]) -> ModelCard | None:
    """The card of a folder whose configuration has settings of Chronos; None for others.

    Its tensors are those of a T5, which transformers would treat as a language model.

    Raises:
        InvalidInput: the settings are not a table.
    """
    settings = config.get("chronos_config")
    if settings is None or not folder.weights:
        return None
    if not isinstance(settings, Mapping):
        raise InvalidInput(
            f"The config.json of '{folder.id}' has a {type(settings).__name__} under 'chronos_config', where a table "
            "is expected.",
            "Save the model again.",
        )
    dimension = config.get("d_model")
    return ModelCard(
        id=folder.id,
        domain="scientific",
        tasks=(TASK,),
        architecture=_PIPELINES.get(str(config.get("chronos_pipeline_class", "")), "Chronos"),
        library=LIBRARY,
        input={"kind": KIND},
        embedding_dimension=dimension if isinstance(dimension, int) and dimension > 0 else None,
        loader={**folder.loader, **({"remote_code": True} if config.get("auto_map") else {})},
    )
