"""Matbench Discovery and ProteinGym: interatomic potentials and protein models with their scores."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from catalog_converters.writing import Row, benchmark, read, whole_number, write_matrix, write_models
from zoo.catalog.licenses import spdx

MATERIALS = "github:janosh/matbench-discovery@2c7f9fc4"
PROTEINS = "github:OATML-Markslab/ProteinGym@bb68524"

_MATERIALS_TASK, _PROTEIN_TASK = "materials-property-prediction", "protein-property-prediction"

_MATERIALS = {
    "F1": ("matbench/f1", "Matbench Discovery", "unique-prototypes", "f1", True),
    "MAE_eV_atom": ("matbench/mae", "Matbench Discovery", "unique-prototypes", "mean_absolute_error", False),
    "RMSE_eV_atom": ("matbench/rmse", "Matbench Discovery", "unique-prototypes", "rmse", False),
    "R2": ("matbench/r2", "Matbench Discovery", "unique-prototypes", "r2", True),
    "kappa_SRME": ("matbench/kappa", "PhononDB thermal conductivity", "test", "kappa_srme", False),
}
"""Columns by benchmark key, data set, split, metric and direction; energies are eV per atom."""

_PROTEINS = {
    "Average_Spearman": "mean of five functions",
    "Function_Activity": "activity",
    "Function_Binding": "binding",
    "Function_Expression": "expression",
    "Function_OrganismalFitness": "organismal fitness",
    "Function_Stability": "stability",
}

_HUB = {
    "ESM2 (8M)": "facebook/esm2_t6_8M_UR50D",
    "ESM2 (35M)": "facebook/esm2_t12_35M_UR50D",
    "ESM2 (150M)": "facebook/esm2_t30_150M_UR50D",
    "ESM2 (650M)": "facebook/esm2_t33_650M_UR50D",
    "ESM2 (3B)": "facebook/esm2_t36_3B_UR50D",
    "ESM2 (15B)": "facebook/esm2_t48_15B_UR50D",
    "ESM-1b": "facebook/esm1b_t33_650M_UR50S",
    "ESM-1v (single)": "facebook/esm1v_t33_650M_UR90S_1",
    "ESM3 open (1.4B)": "EvolutionaryScale/esm3-sm-open-v1",
    "ESM-C (300M)": "EvolutionaryScale/esmc-300m-2024-12",
    "ESM-C (600M)": "EvolutionaryScale/esmc-600m-2024-12",
    "ProtGPT2": "nferruz/ProtGPT2",
    "SaProt (35M)": "westlake-repl/SaProt_35M_AF2",
    "SaProt (650M)": "westlake-repl/SaProt_650M_AF2",
    "ProSST (K=20)": "AI4Protein/ProSST-20",
    "ProSST (K=128)": "AI4Protein/ProSST-128",
    "ProSST (K=512)": "AI4Protein/ProSST-512",
    "ProSST (K=1024)": "AI4Protein/ProSST-1024",
    "ProSST (K=2048)": "AI4Protein/ProSST-2048",
    "ProSST (K=4096)": "AI4Protein/ProSST-4096",
    "RITA S": "lightonai/RITA_s",
    "RITA M": "lightonai/RITA_m",
    "RITA L": "lightonai/RITA_l",
    "RITA XL": "lightonai/RITA_xl",
    "Progen3 112m": "Profluent-Bio/progen3-112m",
    "Progen3 219m": "Profluent-Bio/progen3-219m",
    "Progen3 339m": "Profluent-Bio/progen3-339m",
    "Progen3 762m": "Profluent-Bio/progen3-762m",
    "Progen3 1B": "Profluent-Bio/progen3-1b",
    "Progen3 3B": "Profluent-Bio/progen3-3b",
}
"""The Hub repositories of protein models whose weights are known to be there."""

_SIZE = re.compile(r"\(?(\d+(?:\.\d+)?)([KMB])\b", re.IGNORECASE)
_UNIT = {"k": 10**3, "m": 10**6, "b": 10**9}


def convert(upstream: Path, output: Path, scored_only: bool = False) -> list[Row]:
    """Write ``scientific/matbench`` and ``scientific/proteingym``; returns the benchmarks."""
    return [*_materials(upstream, output), *_proteins(upstream, output)]


def _materials(upstream: Path, output: Path) -> list[Row]:
    cards, scores = [], {}
    for line in read(upstream / "matbench_discovery" / "models.csv"):
        identity = _repository(line["repo"]) + f"/{line['model_key']}"
        cards.append(
            {
                "id": identity,
                "tasks": (_MATERIALS_TASK,),
                "architecture": {"gnn": "graph neural network"}.get(
                    line["architecture"], line["architecture"].replace("|", " + ").replace("_", " ")
                ),
                "description": f"{line['model_name']} {line['version']}".strip(),
                "parameters": whole_number(line["params"]),
                "license": spdx(line["license_checkpoint"]),
                "pretraining": line["training_sets"].split("|"),
                "input": {"kind": "crystal"},
                "released": line["date"],
                "url": line["checkpoint_url"] or line["paper"],
                "tags": (line["openness"], f"targets-{line['targets']}"),
                "loader": {"package": line["pypi"]},
                "source": MATERIALS,
            }
        )
        scores[identity] = {key[0]: float(line[column]) for column, key in _MATERIALS.items() if line.get(column)}
    write_models(output / "scientific" / "matbench.models.csv", cards)
    write_matrix(output / "scientific" / "matbench.matrix.csv", scores, [key[0] for key in _MATERIALS.values()])
    return [
        benchmark(key, _MATERIALS_TASK, dataset, split, metric, source=MATERIALS, higher=higher)
        for key, dataset, split, metric, higher in _MATERIALS.values()
    ]


def _proteins(upstream: Path, output: Path) -> list[Row]:
    cards, scores = [], {}
    for line in read(upstream / "proteingym" / "zero_shot_substitutions_spearman.csv"):
        card = _protein_card(line)
        cards.append(card)
        scores[card["id"]] = {_protein_key(column): float(line[column]) for column in _PROTEINS if line[column]}
    keys = [_protein_key(column) for column in _PROTEINS]
    write_models(output / "scientific" / "proteingym.models.csv", cards)
    write_matrix(output / "scientific" / "proteingym.matrix.csv", scores, keys)
    return [
        benchmark(
            _protein_key(column),
            _PROTEIN_TASK,
            f"ProteinGym substitutions, {what}",
            "zero-shot",
            "spearman",
            source=PROTEINS,
        )
        for column, what in _PROTEINS.items()
    ]


def _protein_key(column: str) -> str:
    return f"proteingym/{column.lower()}"


def _protein_card(line: Mapping[str, str]) -> dict[str, Any]:
    name, hub = line["Model_name"], _HUB.get(line["Model_name"])
    stated = _SIZE.search(name)
    inputs = [part.strip() for part in re.split(r"[,&]", line["Model type"])]
    return {
        "id": f"hf:{hub}" if hub else f"paper:{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}",
        "tasks": (_PROTEIN_TASK,),
        "description": f"{name}; sees: {', '.join(inputs).lower()}",
        "parameters": round(float(stated[1]) * _UNIT[stated[2].lower()]) if stated else None,
        "input": {"kind": "protein"},
        "tags": [] if hub else ["reference-only"],
        "source": PROTEINS,
    }


def _repository(address: str) -> str:
    """``github:owner/name`` (or ``gitee:``) of an address, without folder or branch."""
    host, owner, name = re.match(r"https://(github|gitee)\.com/([^/]+)/([^/]+)", address).groups()  # type: ignore[union-attr]
    return f"{host}:{owner}/{name}"
