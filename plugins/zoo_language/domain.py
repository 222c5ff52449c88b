"""The language domain: its tasks, and how its models are named."""

from __future__ import annotations

from zoo.tasks import CLASSIFICATION, MULTI_LABEL, Architecture, Domain, FolderFormat, Head, Task, higher, lower
from zoo_language.entities.spacy_files import CONFIG, META

DESCRIPTION = (
    "Text: classification, named entities, question answering, translation and embeddings, with transformer "
    "encoders and decoders, sentence-transformers, spaCy's pipelines, static token embeddings and ONNX exports."
)

TASKS = (
    Task(
        "text-classification",
        "language",
        "Text classification",
        ("text",),
        "class",
        CLASSIFICATION,
        "linear",
        use_case=True,
    ),
    Task(
        "multi-label-text-classification",
        "language",
        "Multi-label text classification",
        ("text",),
        "labels",
        MULTI_LABEL,
        "linear",
    ),
    Task(
        "token-classification",
        "language",
        "Named-entity recognition",
        ("text",),
        "spans",
        higher("entity_f1", "token_accuracy"),
        "token-linear",
        use_case=True,
    ),
    Task(
        "question-answering",
        "language",
        "Question answering",
        ("question",),
        "answers",
        higher("answer_f1", "exact_match"),
        "span",
        use_case=True,
    ),
    Task(
        "translation", "language", "Translation", ("text",), "text", higher("bleu", "chrf"), "sequence", use_case=True
    ),
    Task(
        "sentence-similarity",
        "language",
        "Sentence similarity",
        ("text",),
        "number",
        higher("spearman"),
        "none",
    ),
    Task(
        "feature-extraction",
        "language",
        "Embeddings and retrieval",
        ("text",),
        "vector",
        higher("ndcg_at_10"),
        "none",
    ),
    Task(
        "text-generation",
        "language",
        "Text generation",
        ("text",),
        "text",
        lower("perplexity"),
        "sequence",
    ),
)

ARCHITECTURES = (
    Architecture("albert", "ALBERT", shared=True),
    Architecture("bart", "BART", shared=True),
    Architecture("bert", "BERT", shared=True),
    Architecture("deberta", "DeBERTa", shared=True),
    Architecture("deberta-v2", "DeBERTa V2", shared=True),
    Architecture("distilbert", "DistilBERT", shared=True),
    Architecture("electra", "ELECTRA", shared=True),
    Architecture("gpt2", "GPT-2", shared=True),
    Architecture("llama", "Llama", shared=True),
    Architecture("marian", "Marian", shared=True),
    Architecture("modernbert", "ModernBERT", shared=True),
    Architecture("mpnet", "MPNet", shared=True),
    Architecture("roberta", "RoBERTa", shared=True),
    Architecture("t5", "T5", shared=True),
    Architecture("xlm-roberta", "XLM-RoBERTa", shared=True),
)

HEADS = (
    Head("ForSequenceClassification", "text-classification"),
    Head("ForTokenClassification", "token-classification"),
    Head("ForQuestionAnswering", "question-answering"),
    Head("MarianMTModel", "translation"),
    Head("M2M100ForConditionalGeneration", "translation"),
    Head("T5ForConditionalGeneration", "translation"),
    Head("ForMaskedLM", "fill-mask"),
    Head("ForCausalLM", "text-generation"),
    Head("LMHeadModel", "text-generation"),
)

SPACY = FolderFormat(
    "spacy",
    marks=frozenset({CONFIG, META}),
    weights="model",
    without=("*.whl", "*.tar.gz", "*.zip", "*.py", "*.md", "*.pkl", "*.pickle"),
)
"""The weights of a pipeline are files called ``model`` in the folders of its components."""

DOMAIN = Domain(
    "language",
    DESCRIPTION,
    TASKS,
    input="text",
    default_task="feature-extraction",
    other_tasks=frozenset(
        {
            "fill-mask",
            "sentence-similarity",
            "summarization",
            "table-question-answering",
            "text-ranking",
            "text2text-generation",
            "zero-shot-classification",
        }
    ),
    architectures=ARCHITECTURES,
    heads=HEADS,
    libraries=frozenset({"flair", "sentence-transformers", "spacy", "transformers"}),
    formats=(SPACY,),
)
