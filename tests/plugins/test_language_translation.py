"""Marian, NLLB, M2M100 and T5's prefixes: small models of these families that are trained here, in the Hub's layout."""

from __future__ import annotations

import io
import json
import random
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
import torch
import transformers
from small_t5 import small_t5
from transformers.models.nllb.tokenization_nllb import FAIRSEQ_LANGUAGE_CODES

import zoo
from zoo.cli import run
from zoo.errors import InvalidInput
from zoo_language.translation import languages
from zoo_language.translation.codes import is_language

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "sources"))

from hub_server import HubServer

NOUNS = {
    "house": ("Haus", "das", "maison"),
    "dog": ("Hund", "der", "chien"),
    "cat": ("Katze", "die", "chatte"),
    "car": ("Auto", "das", "auto"),
    "tree": ("Baum", "der", "arbre"),
    "lamp": ("Lampe", "die", "lampe"),
    "book": ("Buch", "das", "livre"),
    "chair": ("Stuhl", "der", "chaise"),
}
QUALITIES = {
    "old": ("alt", "ancien"),
    "small": ("klein", "petit"),
    "red": ("rot", "rouge"),
    "new": ("neu", "neuf"),
    "fine": ("schön", "beau"),
    "quick": ("schnell", "rapide"),
}
NEW = 40
"""Sentences that nothing is trained on."""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))


def sentences() -> list[tuple[str, str, str]]:
    """English, German and a French of sorts, in an order of chance; the last ones are new."""
    found = [
        (
            f"the {first} {noun} is {second}",
            f"{article} {one[0]}e {german} ist {two[0]}",
            f"{french} {one[1]} est {two[1]}",
        )
        for noun, (german, article, french) in NOUNS.items()
        for first, one in QUALITIES.items()
        for second, two in QUALITIES.items()
        if first != second
    ]
    random.Random(0).shuffle(found)
    return found


def table(
    path: Path, columns: tuple[str, str], sides: tuple[int, int] = (0, 1), part: slice = slice(-NEW, None)
) -> str:
    rows = [f"{row[sides[0]]},{row[sides[1]]}" for row in sentences()[part]]
    path.write_text("\n".join([",".join(columns), *rows]))
    return str(path)


def pieces(texts: Sequence[str], path: Path) -> list[str]:
    """A small sentencepiece model of texts, and its pieces."""
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts),
        model_writer=written,
        vocab_size=300,
        model_type="bpe",
        hard_vocab_limit=False,
        minloglevel=2,
    )
    path.write_bytes(written.getvalue())
    model = sentencepiece.SentencePieceProcessor(model_proto=written.getvalue())
    return [model.id_to_piece(index) for index in range(model.get_piece_size())]


def train(model: Any, examples: Sequence[tuple[list[int], list[int]]], epochs: int, rate: float = 3e-3) -> None:
    """Cross entropy by AdamW; examples are token ids of a text and of its translation."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    model.train()
    for _ in range(epochs):
        for part in torch.randperm(len(examples)).split(32):
            chosen = [examples[index] for index in part]
            rows = [
                torch.nn.utils.rnn.pad_sequence([torch.tensor(one[side]) for one in chosen], True, fill)
                for side, fill in ((0, model.config.pad_token_id), (1, -100))
            ]
            optimizer.zero_grad()
            model(rows[0], attention_mask=(rows[0] != model.config.pad_token_id).long(), labels=rows[1]).loss.backward()
            optimizer.step()
    model.eval()


SMALL = {
    "d_model": 64,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 128,
    "decoder_ffn_dim": 128,
    "dropout": 0.0,
    "max_position_embeddings": 64,
    "attention_dropout": 0.0,
    "activation_dropout": 0.0,
    "encoder_layerdrop": 0.0,
    "decoder_layerdrop": 0.0,
}


@pytest.fixture(scope="module")
def marian(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Marian in the layout of Helsinki-NLP: two sentencepiece models, one vocabulary, English to German."""
    folder = tmp_path_factory.mktemp("marian")
    known = sentences()[:-NEW]
    words = [
        *pieces([row[0] for row in known], folder / "source.spm"),
        *pieces([row[1] for row in known], folder / "target.spm"),
    ]
    names = list(dict.fromkeys(["</s>", "<unk>", *words]))
    vocabulary = {name: index for index, name in enumerate(n for n in names if n not in {"<s>", "<pad>"})}
    vocabulary["<pad>"] = len(vocabulary)
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "tokenizer_config.json").write_text(
        json.dumps(
            {"source_lang": "en", "target_lang": "de", "tokenizer_class": "MarianTokenizer", "model_max_length": 64}
        )
    )
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    torch.manual_seed(0)
    padding = vocabulary["<pad>"]
    model = transformers.MarianMTModel(
        transformers.MarianConfig(
            vocab_size=len(vocabulary),
            pad_token_id=padding,
            eos_token_id=0,
            decoder_start_token_id=padding,
            forced_eos_token_id=0,
            activation_function="swish",
            static_position_embeddings=True,
            scale_embedding=True,
            **SMALL,
        )
    )
    train(model, [(tokenizer(row[0])["input_ids"], tokenizer(text_target=row[1])["input_ids"]) for row in known], 20)
    # As published: pickled, what is tied only once, nothing of positions, and settings of generation in two files.
    weights = {
        name: tensor
        for name, tensor in model.state_dict().items()
        if "embed" not in name and not name.startswith("lm_head")
    }
    torch.save(weights, folder / "pytorch_model.bin")
    generation = {"bad_words_ids": [[padding]], "num_beams": 4, "max_length": 64, "forced_eos_token_id": 0}
    config = {**model.config.to_dict(), **generation, "architectures": ["MarianMTModel"]}
    (folder / "config.json").write_text(json.dumps(config))
    signs = {"decoder_start_token_id": padding, "eos_token_id": 0, "pad_token_id": padding}
    (folder / "generation_config.json").write_text(json.dumps({**generation, **signs}))
    return folder


def nllb_tokenizer(folder: Path) -> Any:
    """NLLB's tokenizer with all its languages, in the files of its repositories."""
    pieces([text for row in sentences()[:-NEW] for text in row], folder / "sentencepiece.bpe.model")
    signs = {
        "bos_token": "<s>",
        "cls_token": "<s>",
        "eos_token": "</s>",
        "sep_token": "</s>",
        "pad_token": "<pad>",
        "unk_token": "<unk>",
        "mask_token": {
            "__type": "AddedToken",
            "content": "<mask>",
            "lstrip": True,
            "rstrip": False,
            "normalized": True,
            "single_word": False,
        },
    }
    settings = {**signs, "tokenizer_class": "NllbTokenizer", "model_max_length": 64, "src_lang": None, "tgt_lang": None}
    made = {**settings, "additional_special_tokens": FAIRSEQ_LANGUAGE_CODES}
    (folder / "config.json").write_text(json.dumps({"model_type": "m2m_100"}))
    (folder / "tokenizer_config.json").write_text(json.dumps(made))
    transformers.AutoTokenizer.from_pretrained(folder).save_pretrained(folder)
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return transformers.AutoTokenizer.from_pretrained(folder)


@pytest.fixture(scope="module")
def nllb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An NLLB from English to German and to French."""
    folder = tmp_path_factory.mktemp("nllb")
    tokenizer = nllb_tokenizer(folder)
    torch.manual_seed(0)
    model = transformers.M2M100ForConditionalGeneration(
        transformers.M2M100Config(
            vocab_size=len(tokenizer),
            pad_token_id=1,
            bos_token_id=0,
            eos_token_id=2,
            decoder_start_token_id=2,
            scale_embedding=True,
            **SMALL,
        )
    )
    examples = []
    for row in sentences()[:-NEW]:
        for side, code in ((1, "deu_Latn"), (2, "fra_Latn")):
            tokenizer.src_lang, tokenizer.tgt_lang = "eng_Latn", code
            examples.append((tokenizer(row[0])["input_ids"], tokenizer(text_target=row[side])["input_ids"]))
    train(model, examples, 25)
    model.save_pretrained(folder)
    return folder


def evaluated(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert run([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.slow
def test_a_marian_translates_and_is_tuned(marian: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = table(tmp_path / "new.csv", ("english", "german"))
    columns = ["--task", "translation", "--input-column", "english", "--target-column", "german"]
    found = evaluated(["evaluate", f"file:{marian}", new, *columns], capsys)
    assert found["metrics"]["bleu"] > 60
    assert found["baseline"]["bleu"] < 10  # of copying the English
    assert found["metrics"]["chrf"] > found["baseline"]["chrf"] + 40
    assert run(["predict", f"file:{marian}", "the old house is red", "--languages", "en,de"]) == 0
    assert "Haus" in capsys.readouterr().out
    assert run(["predict", f"file:{marian}", "the old house is red", "--languages", "en,fr"]) == 1
    assert "translates from en to de; 'en,fr' is not supported" in capsys.readouterr().err

    # Another target language: every word of it is new to the decoder's order, few to its vocabulary.
    other = table(tmp_path / "other.csv", ("english", "german"), (0, 1), slice(0, 160))
    rows = [line.split(",") for line in Path(other).read_text().split("\n")[1:]]
    Path(other).write_text("\n".join(["english,german", *(f"{a},{' '.join(reversed(b.split()))}" for a, b in rows)]))
    before = evaluated(["evaluate", f"file:{marian}", other, *columns], capsys)
    options = ["--strategy", "full", "--epochs", "8", "--learning-rate", "2e-3", "--batch-size", "16"]
    tuned = evaluated(["tune", f"file:{marian}", other, *columns, *options, "-o", str(tmp_path / "out")], capsys)
    assert tuned["metrics"]["bleu"] > before["metrics"]["bleu"] + 30
    [answer] = zoo.load(f"file:{tmp_path / 'out'}").predict(["the old house is red"])
    assert answer.split()[-1] in {"das", "der", "die"}


def test_a_marian_of_the_hub_is_pulled_and_read_once(
    marian: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reads: list[str] = []
    read = transformers.AutoModelForSeq2SeqLM.from_pretrained
    monkeypatch.setattr(
        transformers.AutoModelForSeq2SeqLM, "from_pretrained", lambda *a, **k: reads.append("") or read(*a, **k)
    )
    folder = Path(shutil.copytree(marian, tmp_path / "biased"))
    weights = torch.load(folder / "pytorch_model.bin", weights_only=True)
    weights["final_logits_bias"][:, -1] = 50  # without its bad_words_ids it would say nothing but padding
    torch.save(weights, folder / "pytorch_model.bin")
    with HubServer() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        files = {path.name: path.read_bytes() for path in folder.iterdir()}
        hub.add("Helsinki-NLP/opus-mt-en-de", files, library_name="transformers", pipeline_tag="translation")
        assert run(["pull", "hf:Helsinki-NLP/opus-mt-en-de"]) == 0
        data = table(tmp_path / "new.csv", ("source", "target"), part=slice(-3 * NEW, None))
        capsys.readouterr()
        assert evaluated(["evaluate", "hf:Helsinki-NLP/opus-mt-en-de", data], capsys)["metrics"]["bleu"] > 60
        assert len(reads) == 1  # for all of 120 sentences
        loaded = zoo.load("hf:Helsinki-NLP/opus-mt-en-de").backbone.learner("translation", ())
    assert loaded.pretrained.final_logits_bias[0, -1] == 50


@pytest.mark.slow
def test_a_missing_sentencepiece_is_named_with_its_extra(marian: Path) -> None:
    program = "import sys; sys.modules['sentencepiece'] = None; from zoo.cli import run; sys.exit(run(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", program, "predict", f"file:{marian}", "the old house"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "The package 'sentencepiece' is needed" in done.stderr
    assert "foundation-zoo[language]" in done.stderr


def test_a_marian_with_several_targets_gets_its_mark(marian: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(marian, tmp_path / "several"))
    vocabulary = json.loads((folder / "vocab.json").read_text())
    free = [piece for piece in vocabulary if piece.startswith("▁") and len(piece) > 4][:2]
    marks = dict(zip((">>deu<<", ">>fra<<"), (vocabulary.pop(piece) for piece in free), strict=True))
    (folder / "vocab.json").write_text(json.dumps({**vocabulary, **marks}))
    learner = zoo.load(f"file:{folder}").backbone.learner("translation", ("en", "French"))
    assert learner.classes == ("en", "fra")
    tokens, labels = learner.example("the", "das")
    assert tokens["input_ids"][0] == marks[">>fra<<"]
    assert labels[0] not in marks.values()
    with pytest.raises(InvalidInput, match="translates between 2 languages, and 'en,es' is not a pair of them"):
        zoo.load(f"file:{folder}").predict(["the"], "translation", labels=("en", "es"))


@pytest.mark.slow
def test_an_nllb_gets_its_languages(nllb: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    german, french = (
        evaluated(
            [
                "evaluate",
                f"file:{nllb}",
                table(tmp_path / f"{code}.csv", ("en", code), (0, side)),
                "--task",
                "translation",
                "--input-column",
                "en",
                "--target-column",
                code,
            ],
            capsys,
        )
        for side, code in ((1, "de"), (2, "fra_Latn"))
    )
    for found in (german, french):
        assert found["metrics"]["bleu"] > 60
        assert found["baseline"]["bleu"] < 10
    named = str(Path(shutil.copy(tmp_path / "de.csv", tmp_path / "named.csv")))
    Path(named).write_text(Path(named).read_text().replace("en,de", "source,target"))
    said = ["evaluate", f"file:{nllb}", named, "--task", "translation"]
    assert evaluated([*said, "--languages", "en,de"], capsys)["metrics"]["bleu"] > 60
    assert run(said) == 1
    assert "translates between 202 languages, and none were given" in capsys.readouterr().err

    said = ["predict", f"file:{nllb}", "the old house is red"]
    assert run([*said, "--languages", "English,German"]) == 0
    assert "Haus" in capsys.readouterr().out
    assert run([*said, "--languages", "en,fr"]) == 0
    assert "maison" in capsys.readouterr().out
    assert run(said) == 1
    told = capsys.readouterr().err
    assert "--languages en,de; its codes are such as ace_Arab" in told
    assert run([*said, "--languages", "en,klingon"]) == 1
    assert "'en,klingon' is not a pair of them" in capsys.readouterr().err
    assert run([*said, "--languages", "en"]) == 2
    assert "'en' is not a pair of languages" in capsys.readouterr().err
    assert run(["predict", f"file:{nllb}", "", "--languages", "en,de"]) == 1
    assert "'' has no text" in capsys.readouterr().err


@pytest.mark.slow
def test_a_tuned_nllb_remembers_its_languages(nllb: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = zoo.load(f"file:{nllb}").backbone
    features = before.features(before.collate([before.preprocess("the old house")]), (before.layers[-1],))
    data = table(tmp_path / "back.csv", ("de", "en"), (1, 0), slice(0, 240))
    tuned = zoo.tune(
        f"file:{nllb}",
        data,
        task="translation",
        strategy="full",
        epochs=20,
        learning_rate=3e-3,
        batch_size=16,
        input_column="de",
        target_column="en",
        output=str(tmp_path / "out"),
        save_run=False,
    )
    assert tuned.metrics["bleu"] > tuned.baseline["bleu"] + 40
    assert json.loads((tmp_path / "out" / "zoo.json").read_text())["classes"] == ["deu_Latn", "eng_Latn"]
    assert run(["predict", f"file:{tmp_path / 'out'}", "das alte Haus ist rot"]) == 0
    assert "house is" in capsys.readouterr().out
    assert run(["predict", f"file:{tmp_path / 'out'}", "the old house", "--languages", "en,fr"]) == 1
    assert "translates from deu_Latn to eng_Latn; 'en,fr' is not supported" in capsys.readouterr().err
    further = zoo.tune(
        f"file:{tmp_path / 'out'}",
        data,
        task="translation",
        strategy="full",
        epochs=1,
        learning_rate=1e-6,
        input_column="de",
        target_column="en",
        save_run=False,
    )
    assert further.metrics["bleu"] > tuned.metrics["bleu"] - 5  # from what was tuned, not from the base again
    after = before.features(before.collate([before.preprocess("the old house")]), (before.layers[-1],))
    assert torch.equal(features[before.layers[-1]], after[before.layers[-1]])


@pytest.mark.slow
def test_a_t5_gets_the_prefix_that_its_configuration_lists(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prefixes = {"de": "to German : ", "fr": "to French : "}
    words = {word for row in sentences() for text in row for word in text.split()} | {"to", "German", "French", ":"}
    listed = {f"translation_en_to_{code}": {"prefix": said} for code, said in prefixes.items()}
    model, fast = small_t5(words, task_specific_params=listed)
    train(
        model,
        [
            (fast(prefixes[code] + row[0])["input_ids"], fast(row[side])["input_ids"])
            for row in sentences()[:-NEW]
            for side, code in ((1, "de"), (2, "fr"))
        ],
        16,
    )
    model.save_pretrained(tmp_path / "t5")
    fast.save_pretrained(tmp_path / "t5")

    for side, code in ((1, "german"), (2, "french")):
        data = table(tmp_path / f"{code}.csv", ("english", code), (0, side))
        found = evaluated(
            [
                "evaluate",
                f"file:{tmp_path / 't5'}",
                data,
                "--task",
                "translation",
                "--input-column",
                "english",
                "--target-column",
                code,
            ],
            capsys,
        )
        assert found["metrics"]["bleu"] > 60
        assert found["baseline"]["bleu"] < 10
    assert run(["predict", f"file:{tmp_path / 't5'}", "the old house", "--languages", "de,en"]) == 1
    assert "translates from en to de, en to fr; 'de,en' is not supported" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "known", "code"),
    [
        ("en", ("eng_Latn", "deu_Latn"), "eng_Latn"),
        ("German", ("en_XX", "de_DE"), "de_DE"),
        ("de", ("en", "de"), "de"),
        ("deu_Latn", ("en", "de"), "de"),
        ("zh", ("zho_Hans", "zho_Hant"), "zho_Hans"),
        ("zho_Hant", ("zho_Hans", "zho_Hant"), "zho_Hant"),
        ("ace_Arab", ("ace_Arab",), "ace_Arab"),
        ("klingon", ("en", "de"), None),
        ("fr", ("en", "de"), None),
        ("deu", ("fra", "deu"), "deu"),
        ("zh", ("deu", "cmn_Hans"), "cmn_Hans"),
        ("Korean", ("jpn_Jpan", "kor_Hang"), "kor_Hang"),
        ("no", ("dan_Latn", "nob_Latn"), "nob_Latn"),
        ("Persian", ("arb_Arab", "pes_Arab"), "pes_Arab"),
        ("hr", ("sr", "bs"), None),
        ("pt-BR", ("es_XX", "pt_XX"), "pt_XX"),
        ("Traditional Chinese", ("zho_Hans", "zho_Hant"), "zho_Hant"),
    ],
)
def test_languages_are_found_by_name_and_code(name: str, known: tuple[str, ...], code: str | None) -> None:
    assert languages.find(name, known) == code


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("en", True),
        ("German", True),
        ("deu", True),
        ("zho_Hant", True),
        ("en_XX", True),
        ("text", False),
        ("source", False),
        ("src", False),
        ("tgt", False),
        ("target", False),
        ("", False),
    ],
)
def test_columns_say_languages_or_not(name: str, says: bool) -> None:
    assert is_language(name) is says


def test_the_languages_of_other_families_are_known(tmp_path: Path) -> None:
    words = pieces([row[0] for row in sentences()], tmp_path / "sentencepiece.bpe.model")
    vocabulary = {word: at for at, word in enumerate(dict.fromkeys(["<s>", "<pad>", "</s>", "<unk>", *words]))}
    (tmp_path / "vocab.json").write_text(json.dumps(vocabulary))
    m2m100 = transformers.M2M100Tokenizer(str(tmp_path / "vocab.json"), str(tmp_path / "sentencepiece.bpe.model"))
    known = languages.codes(m2m100)
    assert len(known) == 100
    assert languages.pair("m", ("english", "de"), known, ()) == ("en", "de")
    m2m100.src_lang, m2m100.tgt_lang = "en", "de"
    assert m2m100.convert_ids_to_tokens(m2m100(text_target="the house")["input_ids"])[0] == known["de"] == "__de__"
    assert m2m100.convert_tokens_to_ids(known["de"]) == m2m100.get_lang_id("de")

    mbart = languages.codes(transformers.MBart50Tokenizer())
    assert languages.pair("m", ("English", "German"), mbart, ()) == ("en_XX", "de_DE")
    assert languages.pair("m", (), mbart, ("ro_RO", "en_XX")) == ("ro_RO", "en_XX")
    with pytest.raises(InvalidInput, match="'en,target' is not a pair of them"):
        languages.pair("m", ("en", "target"), mbart, ("ro_RO", "en_XX"))

    class ManyTargets:
        supported_language_codes = (">>deu<<", ">>fra<<")

        def get_added_vocab(self) -> dict[str, int]:
            return {"</s>": 0, "<pad>": 1}

    assert languages.codes(ManyTargets()) == {"deu": ">>deu<<", "fra": ">>fra<<"}
