"""OpenAI's embeddings as a backbone: batched, within limits of tokens and cost, the key printed nowhere."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from openai_server import OpenAIServer

import zoo
from zoo.cli import run
from zoo.config import configure
from zoo.entities import Dataset
from zoo.errors import CostNotice, GatedModel, InvalidInput, ModelNotFound, NetworkUnavailable, SourceError
from zoo.registry import open_registry
from zoo.sources import sync
from zoo_language.openai.prices import ChatPrices, chat_models, chat_prices, embedding_models, most_dollars

pytest.importorskip("openai", reason="the extra 'openai' is not installed")

from zoo_language.openai.embeddings import MOST_TEXTS, MOST_TOKENS, CountedText, requests_of

MODEL = "openai:text-embedding-3-small"
CHAT = "openai:gpt-4o-mini-2024-07-18"
TEXTS = ["a cat", "", "ein Hund läuft", "x" * 20_000]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[OpenAIServer]:
    with OpenAIServer() as started:
        monkeypatch.setenv("OPENAI_BASE_URL", started.url)
        monkeypatch.setenv("OPENAI_API_KEY", started.key)
        monkeypatch.setenv("ZOO_HOME", str(tmp_path))
        for name in ("ZOO_MAX_COST", "ZOO_OPENAI_PRICE", "TIKTOKEN_CACHE_DIR", "ZOO_OFFLINE", "HF_HUB_OFFLINE"):
            monkeypatch.delenv(name, raising=False)
        yield started
    configure(max_cost=None, openai_price=None, openai_tuning_prices=None)


def embed(texts: list[str]) -> np.ndarray:
    return zoo.load(MODEL, device="cpu").extract(Dataset("texts", "text", texts), cache=False).values


@pytest.mark.filterwarnings("ignore::zoo.errors.CostNotice")
class TestEmbeddings:
    def test_every_text_gets_its_own_in_order(self, server: OpenAIServer) -> None:
        values = embed(TEXTS)
        assert values.shape == (4, 1536)
        np.testing.assert_allclose(values[0], server.embedding("a cat"), atol=1e-6)
        np.testing.assert_allclose(values[2], server.embedding("ein Hund läuft"), atol=1e-6)

    def test_all_go_in_one_request_where_they_fit(self, server: OpenAIServer) -> None:
        embed([f"text {n}" for n in range(300)])
        assert [len(texts) for texts in server.sent()] == [300]

    def test_an_empty_text_is_sent_as_a_space_and_a_long_one_is_cut(self, server: OpenAIServer) -> None:
        embed(TEXTS)
        [sent] = server.sent()
        assert sent[1] == " "
        assert len(sent[3]) == 8191

    def test_a_limit_of_requests_is_waited_for(self, server: OpenAIServer) -> None:
        server.answers += [(429, {"retry-after-ms": "1"}), (500, {"retry-after-ms": "1"})]
        assert len(embed(["a"])) == 1

    def test_missing_embeddings_are_noticed(self, server: OpenAIServer) -> None:
        server.lost = 1
        with pytest.raises(SourceError, match="answered 1 of 2 texts"):
            embed(["a", "b"])

    def test_vectors_of_another_length_are_noticed(self, server: OpenAIServer) -> None:
        server.dimension = 8
        with pytest.raises(SourceError, match="vectors of 8 numbers instead of 1536"):
            embed(["a"])

    def test_tiktoken_counts_exactly_where_its_table_is_here(self, server: OpenAIServer, monkeypatch) -> None:
        tiktoken = pytest.importorskip("tiktoken")
        ranks = {bytes([n]): n for n in range(256)} | {b"xx": 256, b"xxxx": 257}
        encoding = tiktoken.Encoding("tiny", pat_str=r"\S+|\s+", mergeable_ranks=ranks, special_tokens={})
        monkeypatch.setattr(tiktoken, "get_encoding", lambda name: encoding)
        monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "here")
        backbone = zoo.load(MODEL, device="cpu").backbone
        assert backbone.preprocess("xxxx").tokens == 1
        assert backbone.preprocess("x" * 20_000) == CountedText("x" * 20_000, 5000)
        assert len(backbone.preprocess("x" * 40_000).text) == 8191 * 4


class TestCost:
    def test_it_is_reported_before_and_after(self, server: OpenAIServer) -> None:
        with pytest.warns(CostNotice) as told:
            embed([f"one two thr{n:02}" for n in range(100)] + ["one two three"])
        lines = [str(one.message) for one in told if issubclass(one.category, CostNotice)]
        assert "at most 1,313 tokens, $0.0000 of $1.00 allowed" in lines[0]
        assert lines[1].endswith("cost $0.0000.")

    def test_what_could_cost_more_than_allowed_is_not_sent(self, server: OpenAIServer, monkeypatch) -> None:
        monkeypatch.setenv("ZOO_MAX_COST", "0.0001")
        with pytest.raises(InvalidInput, match=r"could cost \$0\.0003, more than the limit of \$0\.0001.*--max-cost"):
            embed(["x" * 8000, "y" * 8000])
        assert server.sent() == []

    @pytest.mark.filterwarnings("ignore::zoo.errors.CostNotice")
    def test_what_was_spent_counts(self, server: OpenAIServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ZOO_MAX_COST", "0.0002")
        monkeypatch.setenv("ZOO_OPENAI_PRICE", "100")
        model = zoo.load(MODEL, device="cpu")
        model.extract(Dataset("texts", "text", ["a"]), cache=False)
        with pytest.raises(InvalidInput, match=r"of which \$0\.0001 are spent"):
            model.extract(Dataset("texts", "text", ["bb"]), cache=False)
        assert server.sent() == [["a"]]

    @pytest.mark.parametrize("value", ["much", "-1", "nan"])
    def test_a_limit_that_is_not_a_number(self, value: str, server: OpenAIServer, monkeypatch) -> None:
        monkeypatch.setenv("ZOO_MAX_COST", value)
        with pytest.raises(InvalidInput, match="not an amount in dollars"):
            zoo.load(MODEL, device="cpu")

    def test_budgets_and_prices_are_set_from_python(self, server: OpenAIServer) -> None:
        configure(max_cost=0.0002, openai_price=100, openai_tuning_prices=(3, 0.3, "1.2"))
        with pytest.raises(InvalidInput, match=r"could cost \$0\.0003, more than the limit of \$0\.0002"):
            embed(["abc"])
        assert chat_prices("gpt-none") == ChatPrices("gpt-none", 3.0, 0.3, 1.2)
        configure(max_cost="a lot")
        with pytest.raises(InvalidInput, match="max_cost is not valid: 'a lot' is not an amount in dollars"):
            most_dollars()

    def test_every_price_has_a_date_and_a_source(self) -> None:
        for model in embedding_models().values():
            assert model.price > 0
            assert re.fullmatch(r"\d{4}-\d\d-\d\d", model.date)
            assert model.source.startswith("https://")
        for chat in chat_models().values():
            assert 0 < chat.input < chat.output
            assert chat.training > 0
            assert re.fullmatch(r"\d{4}-\d\d", chat.date)
            assert chat.source.startswith("https://")

    @given(st.lists(st.integers(1, 8191), max_size=5000))
    def test_requests_keep_within_the_limits(self, tokens: list[int]) -> None:
        texts = [CountedText(str(n), count) for n, count in enumerate(tokens)]
        parts = list(requests_of(texts))
        assert [text for part in parts for text in part] == texts
        assert all(len(part) <= MOST_TEXTS and sum(text.tokens for text in part) <= MOST_TOKENS for part in parts)

    @given(st.text())
    def test_bytes_are_never_fewer_than_tokens(self, text: str) -> None:
        assert len(text.encode("utf-8", "replace")) >= len(text)


class TestTrouble:
    def test_a_wrong_key_is_one_sentence(self, server: OpenAIServer, monkeypatch, capfd, tmp_path: Path) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-wr0ng")
        table = tmp_path / "texts.csv"
        table.write_text("text,label\na,x\nb,y\n")
        assert run(["--traceback", "features", MODEL, str(table), "-o", str(tmp_path / "f.npz")]) == 1
        printed = capfd.readouterr()
        assert "OpenAI rejected the key" in printed.err
        assert "sk-wr0ng" not in printed.out + printed.err
        assert not (tmp_path / "f.npz").exists()

    def test_no_key(self, server: OpenAIServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("OPENAI_API_KEY")
        with pytest.raises(GatedModel, match="Set OPENAI_API_KEY"):
            zoo.load(MODEL, device="cpu")

    def test_no_server(self, server: OpenAIServer, monkeypatch: pytest.MonkeyPatch) -> None:
        from zoo_language.openai import client as openai_client

        monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
        monkeypatch.setattr(openai_client, "RETRIES", 0)
        with pytest.raises(NetworkUnavailable, match="cannot be reached"), pytest.warns(CostNotice):
            embed(["a"])

    def test_offline(self, server: OpenAIServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ZOO_OFFLINE", "1")
        with pytest.raises(NetworkUnavailable, match="over the network"):
            zoo.load(MODEL, device="cpu")

    def test_a_model_that_is_none(self, server: OpenAIServer) -> None:
        with pytest.raises(ModelNotFound, match="Did you mean text-embedding-3-small"):
            zoo.load("openai:text-embedding-3-smal", device="cpu")


def test_sync_brings_the_table_and_what_the_account_may_use(server: OpenAIServer) -> None:
    report = sync("openai")
    assert (report.listed, report.requests) == (6, 1)
    assert "$0.02 per million tokens on 2026-07-03" in (open_registry().card(MODEL).description or "")
    assert "on 2026-04, according to https://tokenmix.ai" in (open_registry().card(CHAT).description or "")
    assert open_registry().card("openai:gpt-test").released == "2023-11-14"


def test_the_commands(server: OpenAIServer, tmp_path: Path, capfd) -> None:
    table = tmp_path / "texts.csv"
    table.write_text("text,label\n" + "".join(f"text {n},{'ab'[n % 2]}\n" for n in range(30)))
    output = str(tmp_path / "f.npz")
    assert run(["features", MODEL, str(table), "-o", output, "--max-cost", "0.5"]) == 0
    printed = capfd.readouterr()
    assert "$0.50 allowed" in printed.err
    assert "cost $0.0000" in printed.err
    assert server.key not in printed.out + printed.err
    assert np.load(output)["features"].shape == (30, 1536)
    assert run(["tune", MODEL, str(table), "--max-cost", "0"]) == 1
