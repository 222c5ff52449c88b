"""The scientific domain of zoo: molecules, proteins, materials and weather; its tasks and how its models load."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from zoo.contract.hooks import hookimpl

if TYPE_CHECKING:
    from zoo.contract.backbone import Backbone
    from zoo.contract.kind import Kind
    from zoo.contract.option import Option
    from zoo.contract.reader import Reader
    from zoo.contract.source import ModelFolder
    from zoo.entities import BenchmarkScore, LocalFiles, ModelCard
    from zoo.tasks import Domain


@hookimpl
def zoo_domains() -> list[Domain]:
    """The scientific domain."""
    from zoo_scientific.domain import DOMAIN

    return [DOMAIN]


@hookimpl
def zoo_kinds() -> list[Kind]:
    """The inputs and answers of models of molecules, proteins, crystals, fields and time series."""
    from zoo_scientific.forecasting.kind import Forecasts, TimeSeries
    from zoo_scientific.materials.crystals import Crystals
    from zoo_scientific.materials.forces import Forces
    from zoo_scientific.molecules.kind import Molecules
    from zoo_scientific.proteins.designs import Designs
    from zoo_scientific.proteins.folds import Folds
    from zoo_scientific.proteins.sequences import Proteins
    from zoo_scientific.proteins.structures import ProteinStructures
    from zoo_scientific.weather.kind import Grids

    materials = [Crystals(), Forces()]
    life = [Molecules(), Proteins(), ProteinStructures(), Designs(), Folds()]
    return [*materials, *life, Grids(), TimeSeries(), Forecasts()]


@hookimpl
def zoo_options() -> list[Option]:
    """The horizon of forecasts, and the columns or variables to forecast."""
    from zoo_scientific.forecasting.horizon import HORIZON
    from zoo_scientific.forecasting.kind import COLUMNS

    return [HORIZON, COLUMNS]


@hookimpl
def zoo_readers() -> list[Reader]:
    """Packaged data sets, sequences, NetCDF; structures of proteins before crystals, which share a suffix."""
    from zoo.data.shipped import ShippedReader
    from zoo_scientific import packaged_data
    from zoo_scientific.forecasting import packaged as packaged_series
    from zoo_scientific.materials.files import CrystalReader
    from zoo_scientific.proteins.structure_files import StructureReader
    from zoo_scientific.sequence_files import SequenceReader
    from zoo_scientific.weather.files import GridReader

    shipped = ShippedReader([*packaged_data.SHIPPED, *packaged_series.SHIPPED])
    return [shipped, SequenceReader(), StructureReader(), CrystalReader(), GridReader()]


@hookimpl
def zoo_cards() -> Iterator[ModelCard | BenchmarkScore]:
    """Models inside installed packages, then the catalog's, each with its reported scores."""
    from zoo.catalog import cards
    from zoo_scientific.cards import packaged

    yield from packaged()
    yield from cards("scientific")


@hookimpl
def zoo_recognise(folder: ModelFolder, config: Mapping[str, Any]) -> ModelCard | None:
    """Chronos, and Aurora with a configuration or without."""
    from zoo_scientific.forecasting import chronos_card
    from zoo_scientific.weather import aurora_card

    return chronos_card.recognise(folder, config) or aurora_card.recognise(folder, config)


@hookimpl
def zoo_load(card: ModelCard, files: LocalFiles, device: str, dtype: str) -> Backbone | None:
    """Models of molecules and proteins, ESMFold, LigandMPNN, CHGNet, SevenNet, Chronos, Aurora, forecasters."""
    if card.domain != "scientific":
        return None
    if card.library == "chgnet":
        from zoo_scientific.materials.chgnet import load as load_chgnet

        return load_chgnet(card, files, device, dtype)
    if card.library == "sevenn":
        from zoo_scientific.materials.sevennet import load as load_sevennet

        return load_sevennet(card, files, device, dtype)
    if card.library == "ligandmpnn":
        from zoo_scientific.proteins.mpnn import load as load_mpnn

        return load_mpnn(card, files, device, dtype)
    if card.library == "aurora":
        from zoo_scientific.weather.aurora import load as load_aurora

        return load_aurora(card, files, device, dtype)
    if "time-series-forecasting" in card.tasks:
        from zoo_scientific.forecasting.chronos import load as load_chronos

        return load_chronos(card, files, device, dtype)
    if card.library != "transformers":
        return None
    if "weather-forecasting" in card.tasks and card.input.get("kind") == "grid":
        from zoo_scientific.weather.forecaster import load as load_forecaster

        return load_forecaster(card, files, device, dtype)
    if card.input.get("kind") == "protein" and "protein-structure-prediction" in card.tasks:
        from zoo_scientific.proteins.folding import load as load_folding

        return load_folding(card, files, device, dtype)
    from zoo_scientific.sequence_backbone import load

    return load(card, files, device, dtype)
