"""Each rule names what breaks it."""

from __future__ import annotations

from pathlib import Path

import pytest
from repository import Repository
from rules import RULES


def planted(root: Path, files: dict[str, str]) -> Repository:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return Repository(root)


@pytest.mark.parametrize(
    ("rule", "files", "sentence"),
    [
        (
            "layers",
            {"zoo/data/table.py": "import zoo.features.model\n", "zoo/features/model.py": ""},
            "zoo/data/table.py:1 imports zoo.features.model, but zoo.features is in a layer above zoo.data.",
        ),
        (
            "layers",
            {
                "zoo/contract/hooks.py": "if TYPE_CHECKING:\n    from zoo.data import Table\n",
                "zoo/data/__init__.py": "class Table: ...\n",
            },
            "zoo/contract/hooks.py:2 imports zoo.data, but zoo.data is in a layer above zoo.contract.",
        ),
        (
            "layers",
            {"zoo/sources/hub.py": "def f():\n    from zoo.data import table\n", "zoo/data/table.py": ""},
            "zoo/sources/hub.py:2 imports zoo.data.table, but zoo.data is in the same layer as zoo.sources.",
        ),
        (
            "layers",
            {"zoo/cli/main.py": "from zoo import __version__\n", "zoo/__init__.py": "__version__ = '1'\n"},
            "zoo/cli/main.py:1 imports zoo, but no module imports zoo.__init__.",
        ),
        (
            "layers",
            {"zoo/attic/old.py": ""},
            "zoo/attic has no layer: add it to LAYERS in tools/architecture.py.",
        ),
        (
            "plugins",
            {"zoo/data/table.py": "def f():\n    import zoo_art.cards\n", "plugins/zoo_art/cards.py": ""},
            "zoo/data/table.py:2 imports zoo_art.cards, a domain plugin; zoo knows none.",
        ),
        (
            "plugins",
            {"plugins/zoo_art/cards.py": "from zoo_music import cards\n", "plugins/zoo_music/cards.py": ""},
            "plugins/zoo_art/cards.py:1 imports zoo_music.cards of another plugin.",
        ),
        (
            "plugins",
            {"plugins/zoo_art/cards.py": "from zoo.registry import search\n", "zoo/registry/__init__.py": ""},
            "plugins/zoo_art/cards.py:1 imports zoo.registry; plugins may not import zoo.registry.",
        ),
        (
            "circles",
            {
                "zoo/adapt/a.py": "from zoo.adapt import b\n",
                "zoo/adapt/b.py": "def f():\n    from . import c\n",
                "zoo/adapt/c.py": "if TYPE_CHECKING:\n    from zoo.adapt.a import x\n",
            },
            "zoo/adapt/a.py is one of 3 modules that import one another: "
            "zoo.adapt.a -> zoo.adapt.b -> zoo.adapt.c -> zoo.adapt.a.",
        ),
        (
            "domain_words",
            {"zoo/data/table.py": "class RowOfPdbFiles: ...\n"},
            "zoo/data/table.py:1 mentions 'pdb', which only plugins/zoo_scientific may know.",
        ),
        (
            "folders",
            {f"zoo/cli/{number}.py": "" for number in range(21)},
            "zoo/cli has 21 Python files; at most 20 are allowed.",
        ),
        (
            "lengths",
            {"plugins/zoo_art/cards.py": "x = 1\n" * 301},
            "plugins/zoo_art/cards.py has 301 lines; at most 300 are allowed.",
        ),
        (
            "formatting",
            {"benchmarks/speed.py": "x = [1,2]  # fmt: skip\n"},
            "benchmarks/speed.py:1 has '# fmt: skip'; let the formatter format every line.",
        ),
        (
            "language",
            {"docs/page.md": "A model that\nnobody has.\n"},
            "docs/page.md:2 says 'nobody'; write instead: no model, no one.",
        ),
        (
            "language",
            {"zoo/data/table.py": 'raise ValueError(f"The column {name} is "\n    f"told.")\n'},
            "zoo/data/table.py:1 says 'is told'; write instead: is reported, zoo warns, raises a clear error.",
        ),
        (
            "language",
            {"zoo/cli/tune.py": 'option("--seed", help="Of the split.")\n'},
            "zoo/cli/tune.py:1 says 'Of the'; write instead: a full noun phrase: 'Seed for the split and the head'.",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else "",
)
def test_a_breach_is_named(rule: str, files: dict[str, str], sentence: str, tmp_path: Path) -> None:
    assert sentence in list(RULES[rule](planted(tmp_path, files)))


@pytest.mark.parametrize(
    ("rule", "files"),
    [
        ("layers", {"zoo/features/model.py": "import zoo.data.table\n", "zoo/data/table.py": ""}),
        ("layers", {"zoo/defaults.py": "import zoo.cli.main\n", "zoo/cli/main.py": ""}),
        ("plugins", {"plugins/zoo_art/cards.py": "from zoo.errors import DataError\n", "zoo/errors.py": ""}),
        ("circles", {"zoo/adapt/a.py": "import zoo.adapt.b\n", "zoo/adapt/b.py": "import zoo.adapt.a\n"}),
        (
            "circles",
            {"zoo/adapt/__init__.py": "from zoo.adapt import a, b\n", "zoo/adapt/a.py": "", "zoo/adapt/b.py": ""},
        ),
        ("domain_words", {"zoo/data/table.py": "case = base = 'chase'\n"}),
        ("domain_words", {"plugins/zoo_scientific/files.py": "'PDB'\n"}),
        ("folders", {f"zoo/cli/{number}.py": "" for number in range(20)}),
        ("lengths", {"zoo/data/table.py": "x = 1\n" * 300}),
        ("formatting", {"zoo/data/table.py": "# fmt of the table: rows\n"}),
        ("language", {"docs/page.md": "There is no model, or no better one; the ground truth is no longer known.\n"}),
        ("language", {"docs/page.md": "Two models that cannot be told apart. Of course.\n"}),
    ],
)
def test_what_keeps_to_the_rule_passes(rule: str, files: dict[str, str], tmp_path: Path) -> None:
    assert list(RULES[rule](planted(tmp_path, files))) == []
