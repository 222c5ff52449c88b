"""Which models the code of a project loads, and whether they are pinned, locked and allowed."""

from __future__ import annotations

from pathlib import Path

import pytest
from policies import HEAD, rule, write

from zoo.entities import ModelFile
from zoo.team.check import check
from zoo.team.check.governing import Governance
from zoo.team.check.parsing import parse
from zoo.team.check.uses import ModelUse, Uses
from zoo.team.lock.entities import Lock, LockedModel

C = "0123456789abcdef0123456789abcdef01234567"
D = "89abcdef0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    return tmp_path


def codes(source: str) -> list[str]:
    """The codes of the findings of a file, in the order of its lines."""
    Path("a.py").write_text(source, encoding="utf-8")
    return [finding.code for finding in check([Path()]).findings]


HEADER = """\
import os, timm, torch, torch.hub as h, torchvision, open_clip, whisper, kagglehub, zoo, tempfile, huggingface_hub
import transformers as t
from pathlib import Path
from torchvision import models
from torchvision.models import ResNet50_Weights
from transformers import AutoModel as A, pipeline
from sentence_transformers import CrossEncoder, SentenceTransformer
from sentence_transformers.cross_encoder import CrossEncoder as CE
from huggingface_hub import hf_hub_download, snapshot_download as get, HfApi
from peft import PeftModel
from faster_whisper import WhisperModel
"""

CASES = {
    "unpinned-model": (
        'A.from_pretrained("a/b")',
        'A.from_pretrained("bert-base-uncased", revision=None)',
        'A.from_pretrained(pretrained_model_name_or_path="a/b")',
        'A.from_pretrained("a/b").to("cuda")',
        'Unknown.from_pretrained("a/b")',
        'self.kind().from_pretrained("a/b")',
        'load = A.from_pretrained\nload("a/b")',
        'pipeline("ner", model="a/b")',
        't.pipeline("ner", "a/b")',
        't.pipelines.pipeline(model="a/b")',
        'SentenceTransformer("all-MiniLM-L6-v2")',
        'CE("a/b")',
        'hf_hub_download("a/b", "f.bin")',
        'get(repo_id="a/b")',
        'HfApi().snapshot_download("a/b")',
        'PeftModel.from_pretrained(model, "a/b")',
        'WhisperModel("tiny")',
        'torch.hub.load("pytorch/vision", "resnet50")',
        'h.load("pytorch/vision", "resnet50")',
        'timm.create_model("resnet50", pretrained=True)',
        'timm.create_model("hf-hub:a/b", True)',
        'open_clip.create_model_and_transforms("ViT-B-32", pretrained="laion2b_s34b_b79k")',
        'open_clip.create_model("hf-hub:a/b")',
        'kagglehub.model_download("google/bert/tensorFlow2/base")',
        'zoo.load("hf:a/b")',
        'zoo.tune("hf:a/b", "data.csv")',
        'from zoo import pull\npull("torchhub:pytorch/vision:resnet50")',
        'NAME = "a/b"\nA.from_pretrained(NAME)',
        'NAME: str = "a/b"\ndef f():\n    return A.from_pretrained(NAME)',
        'class K:\n    NAME = "a/b"\n    def f(self):\n        return A.from_pretrained(self.NAME)',
        'class K:\n    NAME = "a/b"\nA.from_pretrained(K.NAME)',
        'def f():\n    name = "a/b"\n    return A.from_pretrained(name)',
        'def f():\n    global NAME\n    NAME = "a/b"\ndef g():\n    A.from_pretrained(NAME)',
        'OWNER = "a"\nA.from_pretrained(f"{OWNER}/b")',
        'OWNER = "a"\nA.from_pretrained(OWNER + "/b")',
        'MODELS = {"small": "a/b"}\nA.from_pretrained(MODELS["small"])',
        'for name in ["a/b"]:\n    A.from_pretrained(name)',
        '[A.from_pretrained(name) for name in ("a/b",)]',
        'A.from_pretrained(name := "a/b")',
        'KW = {"revision": None}\nA.from_pretrained("a/b", **KW)',
        "print(f\"{A.from_pretrained('a/b')}\")",
        "from transformers import *\nAutoModel.from_pretrained('a/b')",
        "from timm import *\ncreate_model('a', pretrained=True)",
    ),
    "moving-revision": (
        'A.from_pretrained("a/b", revision="main")',
        'A.from_pretrained("a/b", revision="0123456")',
        'torch.hub.load("pytorch/vision:v0.10.0", "resnet50")',
        'timm.create_model("hf-hub:a/b@main", pretrained=True)',
        'whisper.load_model("large")',
        'models.resnet50(weights="DEFAULT")',
        "torchvision.models.resnet50(weights=ResNet50_Weights.DEFAULT)",
        "W = ResNet50_Weights.DEFAULT\nmodels.resnet50(weights=W)",
        'zoo.load("hf:a/b@main")',
        'A.from_pretrained("a/b", **{"revision": "main"})',
        'KW = dict(revision="main")\nA.from_pretrained("a/b", **KW)',
    ),
    "not-constant": (
        'A.from_pretrained(os.environ.get("MODEL", "a/b"))',
        'A.from_pretrained(os.environ["MODEL"])',
        "def f(name):\n    A.from_pretrained(name)",
        'def f(name="a/b"):\n    A.from_pretrained(name)',
        'A.from_pretrained("a/b", revision=REVISION)',
        'A.from_pretrained("a/b", **options)',
        "A.from_pretrained(*names)",
        'KW = {"revision": "main"}\nKW["revision"] = rev()\nA.from_pretrained("a/b", **KW)',
        'KW = {}\nKW.update(x)\nA.from_pretrained("a/b", **KW)',
        'def f():\n    KW.update(x)\nKW = {}\nA.from_pretrained("a/b", **KW)',
        'timm.create_model("resnet50", pretrained=flag())',
        "torch.hub.load(repo(), 'x')",
        "zoo.load(name())",
    ),
    "": (
        f'A.from_pretrained("a/b", revision="{C}")',
        f'REV = "{C}"\nA.from_pretrained("a/b", revision=REV)',
        f'KW = {{"revision": "{C}"}}\nA.from_pretrained("a/b", **KW)',
        f'A.from_pretrained(name(), revision="{C}")',
        'A.from_pretrained("./model")',
        'A.from_pretrained("/models/a")',
        'A.from_pretrained("C:\\\\models")',
        'A.from_pretrained("runs/bert/checkpoint-100")',
        'A.from_pretrained(Path("a") / "b")',
        'A.from_pretrained(os.path.join(root, "b"))',
        'A.from_pretrained(str(Path("a/b")))',
        f'place = get("a/b", revision="{C}")\nA.from_pretrained(place)',
        f'model = A.from_pretrained("a/b", revision="{C}").to("cpu")\npipeline("ner", model=model)',
        "A.from_pretrained()",
        'hf_hub_download("a/b", "f.csv", repo_type="dataset")',
        f'torch.hub.load("pytorch/vision:{C}", "resnet50")',
        'torch.hub.load("a", "resnet50", source="local")',
        'torch.load("a/b")',
        'timm.create_model("resnet50")',
        f'timm.create_model("hf-hub:a/b@{C}", pretrained=True)',
        'open_clip.create_model("ViT-B-32")',
        'open_clip.create_model("ViT-B-32", pretrained="openai")',
        'open_clip.create_model("ViT-B-32", pretrained="./weights.pt")',
        'whisper.load_model("tiny.en")',
        "models.resnet50(weights=None)",
        'models.resnet50(weights="IMAGENET1K_V2")',
        'kagglehub.model_download("google/bert/tensorFlow2/base/3")',
        'zoo.load("std:text-classification/small")',
        'zoo.load("pkg:wordllama/64")',
        f'zoo.load("hf:a/b@{C}")',
        'zoo.load("tuned")',
        'zoo.show("hf:a/b")',
        'def create_model(name, pretrained): ...\ncreate_model("a/b", pretrained=True)',
        'text = "A.from_pretrained(\'a/b\')"  # A.from_pretrained("a/b")',
        'from zoo.team.policy.loading import load\nload("hf:a/b")',
    ),
}


@pytest.mark.parametrize(("code", "source"), [(code, source) for code, sources in CASES.items() for source in sources])
def test_calls_are_found(code: str, source: str) -> None:
    assert codes(HEADER + source) == ([code] if code else [])


def test_each_of_several_values_is_checked() -> None:
    source = f'REV = "{C}" if x else "main"\nA.from_pretrained("a/b", revision=REV)'
    assert codes(HEADER + source) == ["moving-revision"]
    source = (
        "class K:\n    NAME = 'a/b'\n    def f(self, n):\n        self.NAME = n\n        A.from_pretrained(self.NAME)"
    )
    assert codes(HEADER + source) == ["not-constant", "unpinned-model"]


def test_a_folder_that_exists_is_a_local_model(folder: Path) -> None:
    (folder / "tuned").mkdir()
    assert codes('from transformers import AutoModel\nAutoModel.from_pretrained("tuned")') == []


def test_the_place_is_that_of_the_call_in_characters() -> None:
    Path("a.py").write_text('x = "äöü"; T.from_pretrained(\n    "a/b",\n)\n', encoding="utf-8")
    (finding,) = check([Path()]).findings
    assert (finding.file, finding.line, finding.column, finding.model) == ("a.py", 1, 12, "hf:a/b")


def test_comments_silence_findings_and_need_a_reason() -> None:
    call = 'T.from_pretrained(\n    "a/b",\n)'
    assert codes(f"{call}  # zoo: ignore[unpinned-model] a demo") == []
    assert codes(f"{call}  # noqa # zoo: ignore[unpinned-model, moving-revision] a demo") == ["unused-ignore"]
    assert codes(f"{call}  # zoo: ignore[unpinned-model]") == ["ignore-without-reason"]
    assert codes(f"{call}  # zoo: ignore") == ["unpinned-model", "unused-ignore"]
    assert codes(f"{call}  # zoo: ignore[not-constant] a demo") == ["unpinned-model", "unused-ignore"]
    assert codes("x = 1  # zoo: ignore[unpinned-modle] a demo") == ["unused-ignore"]
    assert codes('x = "# zoo: ignore[unpinned-model] a demo"') == []


def test_a_default_model_of_a_pipeline_is_found() -> None:
    for call in ('pipeline("ner")', 'pipeline(task="ner", model=None)', "pipeline(name())"):
        assert codes(HEADER + call) == ["unpinned-model"], call
    assert codes(HEADER + 'pipeline("ner", tokenizer=x)') == ["unpinned-model"]
    assert codes(HEADER + "pipeline(**more)") == ["not-constant"]


def use(source: str) -> ModelUse:
    """The only model that a line of code loads."""
    (found,) = Uses(parse(HEADER + source), lambda name: False)
    return found


def said(source: str, *models: LockedModel, policies: tuple[Path, ...] = ()) -> list[tuple[str, str]]:
    """Codes and levels of what a lock of these models and some policies say to a line of code."""
    lock = Lock(Path("zoo.lock").absolute(), models) if models else None
    return [(code, level) for code, level, *_ in Governance(policies, lock).said(use(source))]


BERT = LockedModel("hf:google-bert/bert-base-uncased", (ModelFile("a.bin", 1, "0" * 64),), None, C)
SMALL = LockedModel("pkg:wordllama/64", (ModelFile("a.bin", 1, "0" * 64),), "text-classification/small", "0.3.9")


def test_models_are_compared_with_the_lock() -> None:
    assert said(f'A.from_pretrained("google-bert/bert-base-uncased", revision="{C}")', BERT) == []
    assert said('A.from_pretrained("Google-BERT/bert-base-uncased")', BERT) == []
    assert said('A.from_pretrained("bert-base-uncased")', BERT) == []
    wrong = [("model-not-locked", "warning")]
    evil = LockedModel("hf:evil/bert-base-uncased", BERT.files, None, C)
    assert said(f'A.from_pretrained("bert-base-uncased", revision="{C}")', evil) == wrong
    assert said('A.from_pretrained("google-bert/bert-large")', BERT) == wrong
    assert said(f'A.from_pretrained("google-bert/bert-base-uncased", revision="{D}")', BERT) == wrong
    assert said('zoo.load("std:text-classification/small")', SMALL) == []
    assert said('zoo.load("std:text-classification")', SMALL) == wrong
    assert said('zoo.load("pkg:wordllama/64")', SMALL) == []
    assert said(f'A.from_pretrained(name(), revision="{C}")', BERT) == [("not-constant", "warning")]
    assert said(f'A.from_pretrained("a/b", revision="{C}")') == []


def test_the_hint_has_the_revision_of_the_lock() -> None:
    found = use('A.from_pretrained("bert-base-uncased")')
    assert found.hint(Governance((), Lock(Path("zoo.lock"), (BERT,))).revision(found)) == f'Add revision="{C}".'


ONLY = '[[standards]]\ntask = "{}"\nonly-standards = true\n'


def test_only_standards_makes_other_models_errors(folder: Path) -> None:
    write(folder, HEAD + ONLY.format("text-classification"))
    policies = (folder / "zoo-policy.toml",)
    error = [("model-not-locked", "error")]
    assert said('pipeline("text-classification", model="a/b")', policies=policies) == error
    assert said('pipeline("sentiment-analysis", model="a/b")', policies=policies) == error
    assert said('pipeline("ner", model="a/b")', policies=policies) == []
    assert said('A.from_pretrained("a/b")', policies=policies) == error
    assert said('A.from_pretrained("bert-base-uncased")', BERT, policies=policies) == error
    assert said('zoo.load("pkg:wordllama/64")', SMALL, policies=policies) == []
    assert said('zoo.load("std:text-classification/small")', policies=policies) == []
    write(folder, HEAD + ONLY.format("language/*"))
    assert said('pipeline("text-classification", model="a/b")', policies=policies) == error
    assert said('pipeline("image-classification", model="a/b")', policies=policies) == []


def test_the_policy_decides_on_what_is_known(folder: Path) -> None:
    policies = (folder / "zoo-policy.toml",)
    write(folder, HEAD + rule('deny.author = ["evil"]', 'allow.license = ["permissive"]'))
    assert said('A.from_pretrained("evil/b")', policies=policies) == [("model-denied", "error")]
    assert said('A.from_pretrained("good/b")', policies=policies) == []  # its licence is not known here
    write(folder, HEAD + rule("deny.source = 'hf'", on="['tune']"))
    assert said('A.from_pretrained("a/b")', policies=policies) == []
    assert said('zoo.tune("hf:a/b", "d.csv")', policies=policies) == [("model-denied", "error")]
    write(folder, HEAD + rule("needs-approval.source = 'hf'") + rule("warn.source = 'pkg'", id="b"))
    assert said('A.from_pretrained("a/b")', policies=policies) == [("model-not-approved", "warning")]
    assert said('A.from_pretrained("bert-base-uncased")', BERT, policies=policies) == []
    assert said('zoo.load("pkg:wordllama/64")', policies=policies) == [("model-warned", "warning")]
    write(folder, HEAD + rule('deny.license = ["non-commercial"]'))
    locked = LockedModel("hf:a/b", (), None, C, license="CC-BY-NC-4.0")
    assert said('A.from_pretrained("a/b")', locked, policies=policies) == [("model-denied", "error")]


def test_policies_are_checked(folder: Path) -> None:
    write(folder, HEAD + '[[rules]]\nid = "a"\ndeny.sauce = "*"\n')
    (finding,) = check([Path()]).findings
    assert (finding.code, finding.level, finding.file, finding.line) == (
        "policy-invalid",
        "error",
        "zoo-policy.toml",
        5,
    )
    spaced = folder / "with space"
    spaced.mkdir()
    (folder / "zoo-policy.toml").rename(spaced / "zoo-policy.toml")
    assert [one.line for one in check([spaced]).findings] == [5]
    (spaced / "zoo-policy.toml").unlink()
    write(folder, f"<<<<<<< HEAD\n{HEAD}")
    assert [one.code for one in check([Path()]).findings] == ["policy-invalid"]
    write(folder, HEAD + rule("deny.source = 'hf'", "exceptions = [{ id = 'hf:a/b', until = 2020-01-01 }]"))
    (finding,) = check([Path()]).findings
    assert (finding.code, finding.level) == ("policy-outdated", "warning")
    assert "ended on 2020-01-01" in finding.message
    write(folder, f'{HEAD}extends = "https://localhost:1/base.toml#sha256={"0" * 64}"\n')
    (finding,) = check([Path()]).findings
    assert finding.hint == "Run: zoo policy check, which downloads it."
    assert not (folder / "home").exists()
