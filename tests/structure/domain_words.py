"""Formats, libraries and models of a single domain, which only that domain's plugin mentions.

What several domains share is not listed: transformers, timm, torchvision, soundfile, and the names of tasks and metrics.
"""

from __future__ import annotations

from words import Word

_BY_FIELD = {
    "zoo_vision": "(?:ms_?)?coco pycocotools yolo labelme cvat pascal_voc voc2007 voc2012 cityscapes ade20k"
    " diffusers controlnet stable_diffusion sdxl vqgan",
    "zoo_language": "spa_?cy seqeval conll\\w* iob bio_tags squad sacremoses langcodes open_?ai chat_?gpt",
    "zoo_audio": "(?:faster_?)?whisper ctranslate piper espeak hifigan vocos griffin_lim dnsmos utmos jiwer librispeech"
    " (?:torch_?)?crepe vggish",
    "zoo_multimodal": "open_?clip vqav",
    "zoo_scientific": "smiles smarts selfies in_?ch_?i rdkit deep_?chem mo_?l_?former chem_?berta murcko sdf mol2"
    " pdbx? mm_?cif fasta fastq a3m dssp biotite biopython esm esm_?fold alpha_?fold open_?fold (?:protein_?)?mpnn"
    " tmtools tm_?align plddt uniref\\w* swissprot"
    " crystals? pymatgen ase seven_?n(?:et)? chg_?net mace mat_?bench cif poscar ext_?xyz xyz mptrj"
    " aurora net_?cdf grib zarr h5net_?cdf xarray era_?5 weather_?bench pangu graphcast prithvi climax"
    " chronos times_?fm moirai gluonts statsmodels autoformer patchtst tsmixer",
}

DOMAIN_WORDS = tuple(
    Word(rf"{word}\d*", f"plugins/{plugin}") for plugin, words in _BY_FIELD.items() for word in words.split()
)
"""``instead`` is the plugin that may use the word."""
