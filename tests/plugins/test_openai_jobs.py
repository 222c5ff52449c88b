"""Fine-tuning at OpenAI as an adaptation: costs first, one job whatever happens, a run and a card in the end."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from openai_server import OpenAIServer

import zoo
from zoo.cli import run
from zoo.config import configure
from zoo.registry import open_registry

pytest.importorskip("openai", reason="the extra 'openai' is not installed")

from zoo_language.openai import jobs as openai_jobs

MODEL = "openai:gpt-4o-mini-2024-07-18"
TUNED = "openai:ft:gpt-4o-mini-2024-07-18:acme:zoo:1"
STRATEGY = ["--strategy", "fine-tuning-job"]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[OpenAIServer]:
    with OpenAIServer() as started:
        monkeypatch.setenv("OPENAI_BASE_URL", started.url)
        monkeypatch.setenv("OPENAI_API_KEY", started.key)
        monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
        for name in ("ZOO_MAX_COST", "ZOO_OPENAI_TUNING_PRICES", "TIKTOKEN_CACHE_DIR", "ZOO_OFFLINE", "HF_HUB_OFFLINE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(openai_jobs, "FIRST_WAIT", 0.01)
        yield started
    configure(max_cost=None)


@pytest.fixture
def reviews(tmp_path: Path) -> str:
    """Texts whose class a word tells, nine times in ten."""
    chance = random.Random(0)
    words = {"glad": ["good", "fine", "lovely"], "cross": ["bad", "poor", "awful"]}
    lines = ["text,mood"]
    for number in range(80):
        mood = ("glad", "cross")[number % 2]
        said = mood if chance.random() < 0.9 else "glad"
        lines.append(f"The film {number} was {chance.choice(words[said])},{mood}")
    path = tmp_path / "reviews.csv"
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def created(server: OpenAIServer) -> int:
    return sum(1 for path, _, body in server.requests if path == "/v1/fine_tuning/jobs" and body)


class TestFromDataToModel:
    def test_the_whole_way(self, server: OpenAIServer, reviews: str, capfd) -> None:
        assert run(["tune", MODEL, reviews, *STRATEGY]) == 0
        printed = capfd.readouterr()
        told = " ".join(printed.err.split())
        assert "on 52 samples: at most" in told
        assert "$1.00 allowed" in told
        assert told.index("$1.00 allowed") < told.index("OpenAI accepted the job ftjob-1")
        for event in ("Created fine-tuning job: ftjob-1", "The job is running", "The job is succeeded"):
            assert told.count(event) == 1
        assert "\x1b[31m" not in printed.err
        # 52 examples of 10 tokens, three times, at 3 dollars a million; 16 questions of 10 and answers of 1.
        assert "Fine-tuning cost $0.0047, testing $0.0001" in told
        assert TUNED in printed.out
        assert server.key not in printed.out + printed.err
        assert server.desk.files == {}
        found = open_registry().runs()[0]
        assert found.metrics["accuracy"] > found.baseline["accuracy"] + 0.3
        assert (found.plan["tuned_model"], found.plan["job"], found.plan["trained_tokens"]) == (TUNED, "ftjob-1", 1560)

    def test_what_is_sent_is_the_chat_format(self, server: OpenAIServer, reviews: str) -> None:
        zoo.tune(MODEL, reviews, strategy="fine-tuning-job", seed=3, epochs=2)
        uploads = [body for path, _, body in server.requests if path == "/v1/files"]
        lines = [json.loads(line) for line in uploads[0]["file"].decode().splitlines()]
        assert [message["role"] for message in lines[0]["messages"]] == ["system", "user", "assistant"]
        assert "cross, glad" in lines[0]["messages"][0]["content"]
        [job] = server.desk.jobs.values()
        assert (job["hyperparameters"]["n_epochs"], job["seed"]) == (2, 3)
        tested = {chat["messages"][-1]["content"] for chat in server.desk.chats}
        assert len(server.desk.chats) == 16
        assert len(lines) == 52
        assert tested  # asked after training, of texts of the test part

    def test_the_card_is_known_and_predicts(self, server: OpenAIServer, reviews: str, capfd) -> None:
        assert run(["tune", MODEL, reviews, *STRATEGY]) == 0
        capfd.readouterr()
        assert run(["show", TUNED, "--json"]) == 0
        shown = json.loads(capfd.readouterr().out)
        assert shown["base_model"] == MODEL
        assert {score["metric"] for score in shown["scores"]} >= {"accuracy"}
        assert all(score["origin"] == "measured" for score in shown["scores"])
        assert run(["predict", TUNED, "an awful bad film", "--json"]) == 0
        [answer] = json.loads(capfd.readouterr().out)["predictions"][0]["output"]
        assert answer["label"] == "cross"
        assert 0.5 < answer["score"] <= 1
        assert run(["evaluate", TUNED, reviews, "--json"]) == 0
        assert json.loads(capfd.readouterr().out)["metrics"]["accuracy"] > 0.8

    def test_texts_that_answer_texts(self, server: OpenAIServer, tmp_path: Path) -> None:
        table = tmp_path / "pairs.csv"
        table.write_text(
            "source,target\n" + "".join(f"{w} {n},{w[::-1]}\n" for n in range(20) for w in ("eins", "zwei"))
        )
        found = zoo.tune(
            MODEL,
            str(table),
            task="translation",
            strategy="fine-tuning-job",
            input_column="source",
            target_column="target",
        )
        assert found.metrics["chrf"] > found.baseline["chrf"] + 20


@pytest.mark.filterwarnings("ignore::UserWarning")
class TestInterruption:
    def test_the_same_command_waits_for_the_same_job(
        self, server: OpenAIServer, reviews: str, monkeypatch, capfd
    ) -> None:
        def interrupt(seconds: float) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as context:
            context.setattr(openai_jobs.time, "sleep", interrupt)
            assert run(["tune", MODEL, reviews, *STRATEGY]) == 130
        assert "The job ftjob-1 continues at OpenAI and is charged" in " ".join(capfd.readouterr().err.split())
        assert not open_registry().runs()
        assert run(["tune", MODEL, reviews, *STRATEGY]) == 0
        assert "Resuming the job ftjob-1" in capfd.readouterr().err
        assert created(server) == 1
        assert len(open_registry().runs()) == 1

    def test_a_creation_that_was_not_answered_makes_no_second_job(self, server: OpenAIServer, reviews: str) -> None:
        server.desk.unheard = 1
        assert zoo.tune(MODEL, reviews, strategy="fine-tuning-job").plan["job"] == "ftjob-1"
        assert (created(server), len(server.desk.jobs)) == (1, 1)

    def test_testing_that_fails_trains_nothing_again(self, server: OpenAIServer, reviews: str, monkeypatch) -> None:
        from zoo_language.openai import client as openai_client
        from zoo_language.openai.chat import OpenAIChat

        monkeypatch.setattr(openai_client, "RETRIES", 0)
        with monkeypatch.context() as context:
            context.setattr(
                OpenAIChat, "_asked", lambda *_: (_ for _ in ()).throw(zoo.errors.NetworkUnavailable("Off."))
            )
            with pytest.raises(zoo.errors.NetworkUnavailable):
                zoo.tune(MODEL, reviews, strategy="fine-tuning-job")
        assert open_registry().card(TUNED).base_model == MODEL
        assert zoo.tune(MODEL, reviews, strategy="fine-tuning-job").metrics["accuracy"] > 0.8
        assert created(server) == 1

    def test_what_was_trained_once_is_not_paid_for_twice(self, server: OpenAIServer, reviews: str) -> None:
        zoo.tune(MODEL, reviews, strategy="fine-tuning-job")
        again = zoo.tune(MODEL, reviews, strategy="fine-tuning-job")
        assert created(server) == 1
        assert again.plan["dollars"] < 0.001
        zoo.tune(MODEL, reviews, strategy="fine-tuning-job", seed=1)
        assert created(server) == 2

    def test_a_model_that_was_deleted_is_trained_again(self, server: OpenAIServer, reviews: str) -> None:
        zoo.tune(MODEL, reviews, strategy="fine-tuning-job")
        server.desk.models.clear()
        zoo.tune(MODEL, reviews, strategy="fine-tuning-job")
        assert created(server) == 2

    def test_the_network_goes_and_comes_back(self, server: OpenAIServer, reviews: str) -> None:
        server.answers += [(500, {"retry-after-ms": "1"})] * 3
        assert zoo.tune(MODEL, reviews, strategy="fine-tuning-job").metrics["accuracy"] > 0.8


@pytest.mark.filterwarnings("ignore::UserWarning")
class TestTrouble:
    def error(self, capfd, *arguments: str) -> str:
        assert run(["tune", *arguments, *STRATEGY]) == 1
        return " ".join(capfd.readouterr().err.split())

    def test_more_than_is_allowed_is_not_begun(self, server: OpenAIServer, reviews: str, capfd) -> None:
        assert "more than the limit of $0.0100" in self.error(capfd, MODEL, reviews, "--max-cost", "0.01")
        assert server.requests == []

    def test_a_wrong_key_is_not_shown(self, server: OpenAIServer, reviews: str, capfd, monkeypatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-wr0ng")
        error = self.error(capfd, MODEL, reviews)
        assert "OpenAI rejected the key" in error
        assert "sk-wr0ng" not in error

    def test_a_job_that_fails(self, server: OpenAIServer, reviews: str, capfd) -> None:
        server.desk.fails = ("exceeded_quota", f"No credit left for {server.key}\x1b[2J.")
        assert "The job ftjob-1 failed: No credit left for *** [2J. Run" in self.error(capfd, MODEL, reviews)
        server.desk.fails = None
        assert run(["tune", MODEL, reviews, *STRATEGY]) == 0

    def test_examples_that_are_refused_by_the_job(self, server: OpenAIServer, reviews: str, capfd) -> None:
        server.desk.fails = ("invalid_training_file", "Line 7 breaks the rules.")
        assert "OpenAI rejected the examples: Line 7 breaks the rules." in self.error(capfd, MODEL, reviews)

    def test_a_file_that_is_refused(self, server: OpenAIServer, reviews: str, capfd, monkeypatch) -> None:
        from zoo_language.openai import tuning as openai_tuning

        monkeypatch.setattr(openai_tuning, "_lines", lambda parts, part: b'{"messages": []}\n')
        assert "OpenAI rejected the examples: Invalid file format." in self.error(capfd, MODEL, reviews)
        assert created(server) == 0

    def test_an_unknown_price(self, server: OpenAIServer, reviews: str, capfd, monkeypatch) -> None:
        model = "openai:ft:gpt-new:acme::1"
        assert "ZOO_OPENAI_TUNING_PRICES" in self.error(capfd, model, reviews)
        monkeypatch.setenv("ZOO_OPENAI_TUNING_PRICES", "3,0.3")
        assert "'3,0.3' is not three prices" in self.error(capfd, model, reviews)

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (["-o", "tuned"], "stays at OpenAI"),
            (["--learning-rate", "0.1"], "--learning-rate has no effect"),
            (["--test", "0.84", "--validation", "0.1"], "leaves 5 training samples"),
        ],
    )
    def test_what_a_job_does_not_take(self, server: OpenAIServer, reviews: str, capfd, arguments, told) -> None:
        assert told in self.error(capfd, MODEL, reviews, *arguments)
        assert server.requests == []

    def test_other_models_are_refused_with_a_hint(self, server: OpenAIServer, reviews: str, capfd) -> None:
        assert "cannot be fine-tuned by OpenAI" in self.error(capfd, "openai:text-embedding-3-small", reviews)

    def test_a_chat_model_has_no_feature_layers(self, server: OpenAIServer, reviews: str, capfd) -> None:
        assert run(["tune", MODEL, reviews]) == 1
        assert "--strategy fine-tuning-job" in capfd.readouterr().err
        assert run(["features", MODEL, reviews, "-o", "f.npz"]) == 1
        assert "it has no feature layers" in capfd.readouterr().err
