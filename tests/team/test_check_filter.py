"""The filter on bytes leaves out no file in which a finding would be made."""

from __future__ import annotations

import ast
import io
import textwrap
import tokenize
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import zoo
from zoo.team.check.filtering import may_load, notebook_may_load
from zoo.team.check.notebooks import parsed_notebook
from zoo.team.check.parsing import NotChecked, parse
from zoo.team.check.uses import Uses

IMPORTS = (
    "",
    "import torch.hub as h",
    "from torch import hub as h",
    "from timm import create_model as make",
    "from timm import *",
    "import zoo as z",
    "from transformers import pipeline as p",
    "import torchvision.models as m",
    "from sentence_transformers import SentenceTransformer as S",
)
CALLS = (
    "A.from_pretrained('a/b')",
    'A.from_pretrained("a/b")',
    "h.load('a/b', 'c')",
    "make('a', True)",
    "create_model('a', pretrained=True)",
    "z.load('hf:a/b')",
    "p('ner', 'a/b')",
    "m.resnet50(weights='DEFAULT')",
    "S('a/b')",
    "A.\uff46rom_pretrained('a/b')",
    "A.from\\\n_pretrained('a/b')",
)
STRINGS = (
    "'",
    '"',
    "'''",
    '"""',
    "\\",
    "\\'",
    '\\"',
    "\n",
    "\\\n",
    "\r",
    "#",
    "{",
    "}",
    "{{",
    "}}",
    "(",
    ")",
    "[",
    "]",
    "f",
    "F",
    "r",
    "rf",
    "fr",
    "b",
    "u",
    " ",
    "x",
    "=",
    "+",
    ",",
    ":",
    ";",
    "!r",
    "\\N{DIGIT ONE}",
    "if",
    "else",
    "ä",
    "\uff11",
    "\x0c",
    "f'{x}'",
    'f"{x}"',
    "f'{x[\"#\"]}'",
    "f'{{x'",
    "f'{x:{y}}'",
    "f'''{x}'''",
    "r'\\'",
    "'\\\\'",
    "# it's",
    "'a' 'b'",
    "''",
    '""',
    "pass",
    "lambda: ",
)


@st.composite
def literals(draw: st.DrawFn) -> str:
    """String literals with any prefix and quotes, and code in f-strings."""
    prefix = draw(st.sampled_from(("", "", "f", "F", "rf", "fR", "r", "b", "u")))
    quote = draw(st.sampled_from(("'", '"', "'''", '"""')))
    content = "".join(draw(st.lists(st.one_of(st.sampled_from(STRINGS), st.sampled_from(CALLS)), max_size=5)))
    wrapped = draw(st.sampled_from(("%s", "%s", "{x}%s{y!r}", "{%s}", "{g(%s)}", "{{%s}}")))
    text = f"{prefix}{quote}{wrapped % content}{quote}"
    try:
        ast.parse(f"({text})")
    except (SyntaxError, ValueError):
        return "''"
    return text


@st.composite
def sources(draw: st.DrawFn) -> str:
    """Python files of strings, comments and calls; some of them are not valid."""
    statements = st.one_of(
        st.builds("x = {}".format, literals()),
        st.builds("x = {} + {}".format, literals(), st.sampled_from(CALLS)),
        st.builds("x = 1 if{}else {}".format, literals(), literals()),
        st.builds("# {}".format, st.lists(st.sampled_from(STRINGS), max_size=4).map("".join)),
        st.sampled_from(CALLS),
        st.sampled_from(STRINGS),
    )
    ends = st.sampled_from(("\n", "\n", "\r\n", "\r", "; ", "  # it's\n", " \\\n\n"))
    pieces = draw(st.lists(st.tuples(statements, ends), max_size=6))
    return draw(st.sampled_from(IMPORTS)) + "\n" + "".join(map("".join, pieces))


def uses(text: str) -> list[object]:
    """The models that a file loads; none if it is not valid."""
    try:
        tree = parse(text)
    except NotChecked:
        return []
    return [*Uses(tree, lambda name: False)]


@settings(max_examples=400, deadline=None)
@given(sources())
@example("\n'''\\'''' + A.from_pretrained('a/b')")
@example("\nx = f'{y[\"#\"]}'; A.from_pretrained('a/b')")
@example("\nf'{x}' f'{A.from_pretrained(\"a/b\")}'")
@example('import torch.hub as h\nf\'{h.load("a", "b")}\'')
@example("\nx = 1 if''else A.from_pretrained('a/b')")
@example("\n#\rA.from_pretrained('a/b')")
@example("\n'\\\r\n' ; A.from_pretrained('a/b')")
def test_no_file_with_a_call_is_left_out(text: str) -> None:
    if uses(text):
        assert may_load(text.encode())


def test_real_files_without_calls_are_left_out() -> None:
    import transformers

    paths = [*sorted(Path(zoo.__file__).parent.rglob("*.py"))[:150]]
    paths += sorted(Path(transformers.__file__).parent.glob("models/b*/*.py"))[:60]
    left_out = 0
    for path in paths:
        content = path.read_bytes()
        if not may_load(content):
            left_out += 1
            assert not uses(content.decode()), path
    assert left_out > len(paths) / 2


def test_words_in_comments_and_strings_do_not_count() -> None:
    source = '"""A.from_pretrained(\'a/b\')"""\n# A.from_pretrained\nx = "A.from_pretrained"\ny = f"{x} {len(x)}"\n'
    assert not may_load(source.encode())
    assert may_load(f"{source}z = A.from_pretrained".encode())


@pytest.mark.parametrize(
    "content",
    [
        b"# coding: utf-7\nA.+AGY-rom_pretrained('a/b')",
        b"# coding: cp037\n",
        b"\xff\xfe",
        b"x\0",
        "A.from_pretrained('a/b')".encode("utf-16"),
        b"\xef\xbb\xbfA.from_pretrained('a/b')",
        b"x = 1  # zoo: ignore[unpinned-model] why",
    ],
)
def test_files_that_cannot_be_searched_are_parsed(content: bytes) -> None:
    assert may_load(content)


def test_escaped_texts_of_notebooks_count() -> None:
    text = '{"cells": [{"cell_type": "code", "source": "A.from\\u005fpretrained(\'a/b\')"}]}'
    assert notebook_may_load(text.encode())
    assert [*Uses(parsed_notebook(text.encode()).tree, lambda name: False)]
    assert not notebook_may_load(b'{"cells": []}')


def test_the_filter_reads_strings_as_python_does() -> None:
    """On the source of this test, what remains besides strings and comments is what the tokenizer finds."""
    from zoo.team.check.filtering import _STRINGS_AND_COMMENTS

    text = textwrap.dedent(
        '''
        a = "b" 'c' """d 'e' " f""" r"\\" rb'x' # g "
        def f(x): return x  # 'h
        y = \'\'\'i " j\'\'\'
        '''
    )
    kept = [
        token.string
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type in {tokenize.NAME, tokenize.OP}
    ]
    left = _STRINGS_AND_COMMENTS.sub(b" ", text.encode()).decode()
    assert [
        one
        for one in left.replace("(", " ( ").replace(")", " ) ").replace(":", " : ").split()
        if one not in {"r", "rb"}
    ] == kept
    assert ast.parse(text)
