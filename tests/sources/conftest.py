"""A Hub with one small real model, and a machine that knows only this Hub."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_server import HubServer, Repository

BERT = {
    "architectures": ["BertForSequenceClassification"], "model_type": "bert", "hidden_size": 16,
    "max_position_embeddings": 64,
}  # fmt: skip


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees or touches the user's folders, token or network."""
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "zoo"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    for name in ("HF_TOKEN", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE", "ZOO_OFFLINE", "ZOO_REGISTRY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """The server, and ``HF_ENDPOINT`` set to it."""
    with HubServer() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


@pytest.fixture
def weights() -> bytes:
    """A real safetensors file of 616 parameters."""
    return safetensors_of(words=32)


def safetensors_of(words: int) -> bytes:
    import numpy as np
    from safetensors.numpy import save

    generator = np.random.default_rng(0)
    return save(
        {
            "embeddings": generator.standard_normal((words, 16), dtype=np.float32),
            "head": generator.standard_normal((6, 16), dtype=np.float32),
            "bias": np.zeros(8, dtype=np.float32),
        }
    )


@pytest.fixture
def tiny(hub: HubServer, weights: bytes) -> Repository:
    """``hf:zoo-tests/tiny`` on the server."""
    files = {
        ".gitattributes": b"*.safetensors filter=lfs\n",
        "README.md": b"# tiny\n",
        "config.json": json.dumps(BERT).encode(),
        "model.safetensors": weights,
        "modeling_tiny.py": b"raise SystemExit('never run')\n",
        "pytorch_model.bin": b"\x80\x02" + bytes(2000),
        "tokenizer.json": b'{"version": "1.0"}',
        "vocab.txt": b"[PAD]\n[UNK]\n",
        "onnx/model.onnx": bytes(3000),
    }
    return hub.add(
        "zoo-tests/tiny",
        files,
        pipeline_tag="text-classification",
        library_name="transformers",
        tags=["bert", "license:apache-2.0", "dataset:imdb"],
        cardData={"license": "apache-2.0", "language": ["en", "de"], "datasets": ["imdb"], "base_model": "org/base"},
        safetensors={"parameters": {"F32": 616}, "total": 616},
        config={"model_type": "bert", "architectures": ["BertForSequenceClassification"]},
        createdAt="2024-03-05T10:00:00.000Z",
        downloads=12,
        likes=3,
    )
