"""Words that are not those of the field, and what to write instead.

An exception is one line of one file, word for word, with the reason why it is right there.
"""

from __future__ import annotations

import re

from words import Word

_UNIT = (
    "step|class|sample|second|minute|hour|model|image|task|batch|epoch|item|word|label|kind|domain|day|page|candidate"
    "|text|token|layer|row|line|file|run"
)
_COUNTED = (
    r"\d|batches|samples|images|seconds|minutes|rows|items|epochs|bytes|examples|texts|tokens|pixels|numbers|targets?"
    "|megabytes|gib|mb|ms|s"
)
_GREATER = (
    "longer|more|less|better|worse|larger|smaller|greater|higher|lower|fewer|shorter|older|newer|faster|slower|further"
    "|other|earlier|later|matter"
)

FORBIDDEN = (
    Word(r"foretell\w*|foretold|foresee\w*|foresaw|lets? expect", "predict, forecast, estimate"),
    Word(
        "(?:is|are|was|were|be|been|being) told|error told|told in (?:a|one) sentence",
        "is reported, zoo warns, raises a clear error",
        unless="told apart",
    ),
    Word("says? so", "zoo warns, is reported"),
    Word("know(?:s|n|ing)? nothing", "the baseline (majority class, mean)"),
    Word("pictures?", "image"),
    Word("recogni[sz]ers?", "ASR model"),
    Word("answerers?", "question-answering model"),
    Word("makers?", "generator"),
    Word("taggers?", "NER model", unless="flair tagger|tagger, parser"),
    Word(r"judg\w+", "evaluate, metric"),
    Word("tried", "evaluated", unless=r"tried (?:again|once|twice|\w+ times)"),
    Word("untried", "not evaluated"),
    Word("nobody(?:'s)?", "no model, no one"),
    Word(
        "(?:leader|winner|models?|candidates?|networks?|backbones?|estimators?)(?: (?:is|are))? who"
        "|who (?:stops?|stopped|takes? part|rises|has which|(?:is|are) (?:ahead|behind|foreseen|beaten|measured))",
        "which",
    ),
    Word("level with(?:in)?", "tied with"),
    Word("held out to stop", "validation fraction, for early stopping"),
    Word(rf"(?:{_COUNTED}) an? (?:{_UNIT})", "per step, per class, per sample"),
    Word("mend(?:s|ed|ing|able)?", "fix"),
    Word("strangers?(?:'s)?", "unexpected tensors; another author's"),
    Word(
        r"(?:is|are|was|were|be) no [a-z]+",
        "say what it is not: 'is not periodic', 'must be positive'",
        unless=rf"there (?:is|are|was|were|be) no|(?:is|are|was|were) there (?:is|be) no|no (?:{_GREATER})(?![a-z])",
    ),
    Word("not more than nothing", "must be positive"),
    Word("go(?:es|ne|ing)? by|went by", "uses"),
    Word("rooms", "modules, packages"),
    Word("stairs?|floors", "layers"),
    Word("(?:the|a|this|its|own|top|each|same|lower|higher|upper) floor", "layer"),
    Word("of the house|down the house|the house stands", "layers, packages"),
    Word("cannot be kept", "is invalid: must be positive; cannot be saved"),
    Word(r"(?<!_)told(?=\()|def _?told\w*", "messages(), prediction_labels()"),
    Word(r"(?:def _?|(?<=\.))come(?=\()", "add_new()"),
    Word(r"(?:def _?|(?<=\.))beginning(?=\()", "with_prefix()"),
    Word(r"import whole|def whole(?=\()", "the field's word"),
    Word("standings?", "results, published scores"),
    Word("surveys?", "the field's word"),
    Word("truths?", "ground truth", unless="ground(?: |-)?truth"),
    Word(r"brings? [^.\n]{0,40}here", "download"),
    Word("hardly", "unlikely, almost no"),
    Word("go on behind", "continue after"),
    Word("bears? more", "tolerate"),
    Word("as a rule", "usually"),
    Word("within the errors", "statistically tied"),
    Word(r"here are \d+", "you have"),
    Word("gives? no features", "has no feature layers"),
    Word("so many of the first", "number of top candidates"),
    Word("none of whose", "of which none"),
    Word(r"is of (?:19|20)\d\d", "was released in"),
    Word(r"the largest is \S+ times the smallest", "balanced classes, or how unbalanced"),
    Word(r"keep [^.\n]{0,30}out of the registry", "do not save to the registry"),
    Word("may ask for their terms", "gated models"),
    Word("so (?:short|small|large|long|wide|high|low|quick|few|many) an? [a-z]+", "such a short ..."),
    Word("that is said|said in words", "zoo reports it; as text"),
    Word("one bad [a-z]+, and nothing", "if a line is invalid, nothing ..."),
    Word("(?:do|does) not compare with", "is not comparable with"),
    Word("(?:layers?|stages?|trained|learns?|learned),? from nothing", "from scratch, from random weights"),
    Word("in the mean of", "on average over"),
    Word("(?:none|empty|false|nothing) where", "None if, empty if"),
    Word("where there (?:is|are) (?:none|any|one|no|several)", "if there is"),
    Word("where (?:it|they|that|this) (?:is|are) (?:none|known|unknown|missing|empty|possible|set)", "if"),
    Word(r"as [a-z0-9.`()]+ (?:[a-z0-9.`()]+ )?ha(?:s|ve|d) it", "as in, per"),
    Word("so many(?! [a-z]+ that)", "this number of, a maximum of"),
    Word("(?:this|the) very", "the same, this", unless="the very (?:first|last|few)"),
    Word("costs? only itself", "does not affect the others"),
    Word("(?:go|goes|going|went) on(?! to| with)", "continue"),
    Word("whole or not at all|in one piece or not at all|completely,? or not at all|appears? whole", "atomically"),
    Word("order of the alphabet", "alphabetical order"),
    Word("into (?:one|a) sentence", "a clear error"),
    Word("what is the matter", "what is wrong"),
    Word("there twice", "appears twice"),
    Word("afresh|anew", "again, from scratch"),
    Word("(?:another|other) [a-z]+ than", "a different ... from"),
    Word("(?:every|each|any) beginning", "prefix"),
    Word("likeliest", "most likely"),
    Word("ma[dk]es? ready", "prepare"),
    Word("err(?:s|ing)? (?:alike|together)", "have correlated errors"),
    Word("(?:and|or|of) (?:its|their) kin", "similar models"),
    Word("(?:to|can|cannot|could not) be had", "can be downloaded, is available"),
    Word("gives? nothing", "returns None, returns nothing"),
    Word("(?:is|are) none of (?:the|them|its|these|those)", "is not one of"),
    Word(r"up to \S+ are taken", "the maximum is"),
    Word("cut short", "truncated"),
    Word("(?:head|classifier)s? that (?:it |they )?(?:came|comes?) with", "published head, published classifier"),
    Word("what is trained (?:to|for|where)", "a learner for, the trained part"),
    Word("(?:is|are|be) taken for", "is accepted as, is treated as"),
    Word("one sentence that names", "a one-line error that names"),
    Word("(?:cannot|does not) answer with", "does not predict"),
    Word("that (?:is|are|was|were) learnt from|learnt from (?:are|is)", "training data, training recordings"),
    Word("best there is", "best available"),
    Word("with commas between", "comma-separated"),
    Word(
        "beside (?:the|it|them|those|these|that|this|a|an|each|every|all|others?|its|their)",
        "next to, besides, in addition to",
    ),
)

AS_WRITTEN = (
    (
        re.compile(r"""(?:(?<=[.:!?"'|] )|(?<=["'])|^ *)Of (?!course)[a-z`]+""", re.MULTILINE),
        "a full noun phrase: 'Seed for the split and the head'",
    ),
    (re.compile(r"\bPlaced\b"), "ranked"),
    (re.compile(r'"""(?:Most|Fewest|Least) (?!squares)[a-z]'), "Maximum, Minimum number of"),
)
"""What to write instead of expressions in which capitals count: a sentence that begins with 'Of', a class, a limit."""

EXCEPTIONS: dict[tuple[str, str], str] = {
    (
        "tests/plugins/test_vision_generation.py",
        'monkeypatch.setenv("ZOO_PICTURE_MODEL", model)',
    ): "a former environment variable",
    (
        "tests/plugins/test_vision_generation.py",
        'assert found["plan"]["picture_model"].startswith("pkg:efficientnet-lite0")',
    ): "a key of runs, as it was",
    (
        "tests/plugins/test_vision_latent_diffusion.py",
        'assert after.versions["picture_model"].startswith("file:")',
    ): "a key of evaluations, as it was",
    (
        "plugins/zoo_language/cards.py",
        'description="WordLlama l2_supercat: one vector a token, averaged; no attention, so thousands of texts a second.",',
    ): "the card as the shipped registry has it, byte for byte",
    ("zoo/selection/explain/leakage.py", '"pictures",'): "a word that users give to folders of images",
    ("tests/end_to_end/test_benchmark_command.py", 'assert data["truth"] == WORDLLAMA'): "a key of the JSON, as it was",
    (
        "plugins/zoo_audio/options.py",
        'ASR_MODEL = MetricModel("asr_model", "pkg:whisper-tiny.en", former="ZOO_RECOGNISER")',
    ): "a former environment variable",
    (
        "tests/postgres_server.py",
        'return "postgres" if "postgres" in names else "nobody"',
    ): "an account of Unix",
    (
        "tests/plugins/test_multimodal_siglip.py",
        'SENTENCES = [beginning + caption for beginning in ("", "a photo of ", "a picture of ") for caption in CAPTIONS]',
    ): "a template of CLIP's authors",
    (
        "tools/catalog_converters/mteb_subsets.py",
        '"CTKFactsNLI FaroeseSTS SwahiliNewsClassification SwissJudgementClassification",',
    ): "the name of a data set",
    (
        "docs/audio.md",
        "former variables `ZOO_RECOGNISER`, `ZOO_FRECHET_BACKBONE` and `ZOO_CLAP` are still read.",
    ): "a former environment variable",
    (
        "tests/plugins/test_audio_speech.py",
        '@pytest.mark.parametrize("variable", ["ZOO_ASR_MODEL", pytest.param("ZOO_RECOGNISER", marks=pytest.mark.slow)])',
    ): "a former environment variable",
    (
        "plugins/zoo_multimodal/image_text_backbone.py",
        'TEMPLATES = ("a photo of a {}.", "a picture of a {}.", "a {}.")',
    ): "a template of CLIP's authors",
    (
        "docs/multimodal.md",
        '**Zero-shot.** Each class is described by three sentences ("a photo of a {}.", "a picture of a {}.", "a {}."), whose vectors are',
    ): "a template of CLIP's authors",
    (
        "CHANGELOG.md",
        "- Audio: the models of metrics are options (`--asr-model`, `--clap-model`...); `ZOO_RECOGNISER`, `ZOO_FRECHET_BACKBONE`, `ZOO_CLAP` still work.",
    ): "a former environment variable",
    (
        "CHANGELOG.md",
        "- Vision: breaking, `--picture-model` is `--image-model`; rename it. `ZOO_PICTURE_MODEL` still works.",
    ): "a former option and environment variable",
    (
        "plugins/zoo_vision/generation/metrics.py",
        'SETTING, DEFAULT, FORMER = "image_model", "pkg:efficientnet-lite0", "ZOO_PICTURE_MODEL"',
    ): "a former environment variable",
    (
        "plugins/zoo_vision/generation/kinds.py",
        'return {"picture_model": f"{model.card.id}@{model.revision}" if model.revision else model.card.id}',
    ): "a key in the JSON of runs",
    (
        "plugins/zoo_vision/generation/kinds.py",
        'return ["Picture", target.image, target.prompt]',
    ): "hashed into the digests that tuned models keep",
    (
        "zoo/kinds/content.py",
        'digest.update(f"picture {item.mode} {item.size} ".encode())',
    ): "hashed into the digests that identify kept features",
    ("zoo/kinds/images.py", '"picture",'): "the name that users give to such a column",
    ("zoo/data/layout.py", '"pictures",'): "the name that users give to such a folder",
    (
        "zoo/transfer/intervals.py",
        "is n - 1 for independent samples and less for correlated ones (Korn and Graubard, Survey Methodology 24, 1998); if",
    ): "the name of a journal",
}
"""(file, the line without the spaces around it) -> why the word is right there."""
