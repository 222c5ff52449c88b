"""Small language models of molecules and proteins in the layouts of the Hub, trained here to fill in masked tokens."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import tokenizers
import torch
import transformers
from safetensors.torch import save_file
from torch import nn
from transformers.models.bert.modeling_bert import BertPredictionHeadTransform

from zoo_scientific.molecules.molformer import MolformerConfig, MolformerModel
from zoo_scientific.sequence_backbone import atoms

RESIDUES = "ACDEFGHIKLMNPQRSTVWY"
ATOMS = r"\[[^\]]+]|Br?|Cl?|N|O|S|P|F|I|b|c|n|o|s|p|\(|\)|\.|=|#|-|\+|\\|/|:|~|@|\?|>|\*|\$|%[0-9]{2}|[0-9]"
STRANGE_CODE = "raise SystemExit('code of a repository was run')\n"
"""What every Python file of a published folder does here, should anyone import it."""


def fill_in(
    logits: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    parameters: Any,
    rows: Sequence[Sequence[int]],
    *,
    padding: int,
    mask: int,
    marks: set[int],
    epochs: int,
    rate: float = 6e-3,
) -> float:
    """Train to name the 15 % of tokens that are hidden; the share that is named rightly in the last epoch."""
    longest = max(map(len, rows))
    ids = torch.tensor([[*row, *[padding] * (longest - len(row))] for row in rows])
    seen, plain = (ids != padding).long(), ~torch.isin(ids, torch.tensor(sorted(marks)))
    optimizer = torch.optim.AdamW(parameters, lr=rate)
    steps = epochs * math.ceil(len(rows) / 48)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    right = torch.zeros(0)
    for _ in range(epochs):
        found = []
        for part in torch.randperm(len(rows)).split(48):
            length = int(seen[part].sum(dim=1).max())
            part_ids = ids[part, :length]
            hidden = (torch.rand(part_ids.shape) < 0.15) & plain[part, :length]
            guessed = logits(part_ids.masked_fill(hidden, mask), seen[part, :length])[hidden]
            optimizer.zero_grad()
            nn.functional.cross_entropy(guessed, part_ids[hidden]).backward()
            optimizer.step()
            schedule.step()
            found.append((guessed.argmax(dim=-1) == part_ids[hidden]).float())
        right = torch.cat(found)
    return float(right.mean())


class _Head(nn.Module):
    def __init__(self, config: Any) -> None:
        super().__init__()
        self.transform = BertPredictionHeadTransform(config)
        self.decoder = nn.Linear(config.hidden_size, config.vocab_size, bias=False)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return self.decoder(self.transform(states))


class MaskedMolformer(nn.Module):
    """MoLFormer with the head that it was pretrained with, under the published names of its tensors."""

    def __init__(self, config: MolformerConfig) -> None:
        super().__init__()
        self.molformer, self.lm_head = MolformerModel(config), _Head(config)

    def forward(self, ids: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        return self.lm_head(self.molformer(ids, seen).last_hidden_state)


def molformer(folder: Path, molecules: Sequence[str], epochs: int = 20) -> float:
    """A folder as ``ibm/MoLFormer-XL-both-10pct`` has it: its own code next to the weights and two vocabularies."""
    words = ["<bos>", "<eos>", "<pad>", "<mask>", *sorted({atom for smiles in molecules for atom in atoms(smiles)})]
    words += ["<unk>"]
    known = {word: place for place, word in enumerate(words)}
    torch.manual_seed(0)
    config = MolformerConfig(
        vocab_size=len(words),
        hidden_size=48,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=96,
        hidden_dropout_prob=0.0,
        embedding_dropout_prob=0.0,
        num_random_features=24,
        architectures=["MaskedMolformer"],
    )
    model = MaskedMolformer(config)
    for layer in model.molformer.encoder.layer:
        # Rows of one orthogonal block have the length of random ones.
        block = [torch.linalg.qr(torch.randn(12, 12))[0] * torch.randn(12, 12).norm(dim=1) for _ in range(2)]
        layer.attention.self.feature_map.weight.copy_(torch.cat(block, dim=1))
    rows = [[0, *(known[atom] for atom in atoms(smiles)), 1] for smiles in molecules]
    right = fill_in(model, model.parameters(), rows, padding=2, mask=3, marks={0, 1, 2}, epochs=epochs)
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()}, folder / "model.safetensors")
    classes = {
        "AutoConfig": "configuration_molformer.MolformerConfig",
        "AutoModel": "modeling_molformer.MolformerModel",
    }
    published = {
        **config.to_dict(),
        "architectures": ["MolformerForMaskedLM"],
        "auto_map": classes,
        "deterministic_eval": False,
        "classifier_dropout_prob": None,
        "classifier_skip_connection": True,
    }
    (folder / "config.json").write_text(json.dumps(published))
    (folder / "vocab.json").write_text(json.dumps(known))
    own = tokenizers.Tokenizer(tokenizers.models.WordLevel(known, unk_token="<unk>"))
    own.add_special_tokens(["<bos>", "<eos>", "<pad>", "<mask>", "<unk>"])
    own.pre_tokenizer = tokenizers.pre_tokenizers.Split(tokenizers.Regex(ATOMS), "isolated")
    own.post_processor = tokenizers.processors.TemplateProcessing(
        single="<bos> $A <eos>", special_tokens=[("<bos>", 0), ("<eos>", 1)]
    )
    own.save(str(folder / "tokenizer.json"))
    marks = {
        "cls_token": "<bos>",
        "sep_token": "<eos>",
        "pad_token": "<pad>",
        "unk_token": "<unk>",
        "mask_token": "<mask>",
    }
    automatic = {"AutoTokenizer": ["tokenization_molformer.MolformerTokenizer", None]}
    (folder / "special_tokens_map.json").write_text(json.dumps(marks))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({**marks, "tokenizer_class": "MolformerTokenizer", "auto_map": automatic})
    )
    for name in ("configuration_molformer.py", "modeling_molformer.py", "tokenization_molformer.py"):
        (folder / name).write_text(STRANGE_CODE)
    return right


def chemberta(folder: Path, molecules: Sequence[str], epochs: int = 20) -> float:
    """A folder as ``DeepChem/ChemBERTa-77M-MLM`` has it: RoBERTa, with byte pairs of SMILES."""
    folder.mkdir(parents=True, exist_ok=True)
    marks = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    pairs = tokenizers.ByteLevelBPETokenizer()
    pairs.train_from_iterator(molecules, vocab_size=320, min_frequency=2, special_tokens=marks, show_progress=False)
    pairs.save_model(str(folder))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "RobertaTokenizer", "max_len": 512}))
    torch.manual_seed(0)
    model = transformers.RobertaForMaskedLM(
        transformers.RobertaConfig(
            vocab_size=pairs.get_vocab_size(),
            hidden_size=48,
            num_hidden_layers=3,
            num_attention_heads=4,
            intermediate_size=96,
            max_position_embeddings=130,
            type_vocab_size=1,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            bos_token_id=0,
            pad_token_id=1,
            eos_token_id=2,
        )
    )
    rows = [[0, *pairs.encode(smiles).ids[:120], 2] for smiles in molecules]
    right = fill_in(
        lambda ids, seen: model(ids, seen).logits,
        model.parameters(),
        rows,
        padding=1,
        mask=4,
        marks={0, 1, 2},
        epochs=epochs,
    )
    model.save_pretrained(folder)
    return right


def protbert(folder: Path, proteins: Sequence[str], epochs: int = 10) -> float:
    """A folder as ``Rostlab/prot_bert`` has it: BERT, whose words are single residues."""
    folder.mkdir(parents=True, exist_ok=True)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"LAGVESIKRDTPNQFYMHCWXUBZO"]
    (folder / "vocab.txt").write_text("".join(f"{word}\n" for word in words))
    (folder / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": False}))
    known = {word: place for place, word in enumerate(words)}
    torch.manual_seed(0)
    model = transformers.BertForMaskedLM(
        transformers.BertConfig(
            vocab_size=len(words),
            hidden_size=48,
            num_hidden_layers=3,
            num_attention_heads=4,
            intermediate_size=96,
            max_position_embeddings=128,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            type_vocab_size=2,
        )
    )
    rows = [[2, *(known[residue] for residue in protein), 3] for protein in proteins]
    right = fill_in(
        lambda ids, seen: model(ids, seen).logits,
        model.parameters(),
        rows,
        padding=0,
        mask=4,
        marks={0, 2, 3},
        epochs=epochs,
    )
    model.save_pretrained(folder)
    return right


def proteins(count: int, seed: int) -> list[tuple[str, str]]:
    """Kind and sequence of helix-like and strand-like proteins: alternating with a period of seven or of two."""
    chance = random.Random(seed)
    found = []
    for number in range(count):
        kind, period = (("helix", "LLKKLEK"), ("strand", "VTVKITV"))[number % 2]
        residues = [c if chance.random() < 0.6 else chance.choice(RESIDUES) for c in period * chance.randint(4, 7)]
        found.append((kind, "".join(residues)))
    return found


def fasta(labelled: Sequence[tuple[str, str]]) -> str:
    """Kinds and sequences in the form of a FASTA file."""
    return "".join(f">p{number} label={kind}\n{protein}\n" for number, (kind, protein) in enumerate(labelled))
