"""Keeps the tests out of the user's home folder: a home and a temporary folder of their own, and a look at the real one.

Entered by ``conftest.py`` before a test or anything that reads the environment is imported. Subprocesses inherit what is set here, and so do
the workers of pytest-xdist, each of which gets a home inside that of the process which started it.
"""

from __future__ import annotations

import os
import shutil
import site
import tempfile
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

SETTINGS = (
    "DIFFUSERS_",
    "HF_",
    "HUGGINGFACE_",
    "HUGGING_FACE_",
    "KAGGLE",
    "KERAS_",
    "MPLCONFIGDIR",
    "OPENAI_",
    "TFHUB_",
    "TORCH_HOME",
    "TRANSFORMERS_",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
    "ZOO_",
)
"""Beginnings of the variables by which a user sets folders, tokens and switches of zoo and of the libraries below it."""

WATCHED = (
    ".cache/chgnet",
    ".cache/clip",
    ".cache/huggingface",
    ".cache/kagglehub",
    ".cache/matplotlib",
    ".cache/openai",
    ".cache/tiktoken",
    ".cache/torch",
    ".cache/whisper",
    ".cache/zoo",
    ".config/kaggle",
    ".config/matplotlib",
    ".config/zoo",
    ".kaggle",
    ".keras",
    ".local/share/zoo",
    ".zoo",
    "Library/Application Support/zoo",
    "nltk_data",
)
"""Folders of a home in which zoo and the libraries below it keep models, data and settings."""

LISTED = ("", ".cache", ".config", ".local/share", ".local/state", "Library/Application Support", "Library/Caches")
"""Folders of a home in which nothing new may appear; what lies in them may change, as other programs are at work."""


class OwnHome:
    """The home of one test process; the first process of a run also watches the real home and cleans up.

    Attributes:
        real: the user's home folder.
        folder: what takes its place.
    """

    def __init__(self) -> None:
        worker = os.environ.get("PYTEST_XDIST_WORKER")
        self.real = Path.home()
        self.folder = self.real / worker if worker else Path(tempfile.mkdtemp(prefix="zoo-tests-"))
        self._first = worker is None
        self._before = self._watched() if self._first else {}

    def enter(self) -> None:
        """Point the environment of this process, and of all that it starts, to the folder."""
        temporary = self.folder / "tmp"
        temporary.mkdir(parents=True)
        # pytest keeps the folders of its last runs, to be looked at, where it always does.
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
        os.environ.setdefault("PYTHONUSERBASE", site.getuserbase())
        os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(ROOT / ".hypothesis"))
        for name in list(os.environ):
            if name.startswith(SETTINGS):
                del os.environ[name]
        # Options of this run are none of another pytest's that a test starts.
        os.environ.pop("PYTEST_ADDOPTS", None)
        os.environ.update(HOME=str(self.folder), USERPROFILE=str(self.folder), TMPDIR=str(temporary))
        tempfile.tempdir = None

    def written(self) -> list[Path]:
        """What is new in the real home since the run began, and the files of zoo and the like that have changed."""
        return sorted(path for path, state in self._watched().items() if self._before.get(path) != state)

    def remove(self) -> None:
        """Delete the folder with all that the run left in it."""
        if self._first:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _watched(self) -> dict[Path, tuple[int, int]]:
        found = {}
        for folder in LISTED:
            with suppress(OSError):
                found.update(dict.fromkeys((self.real / folder).iterdir(), (0, 0)))
        for folder in WATCHED:
            for parent, _, names in os.walk(self.real / folder):
                for path in (Path(parent, name) for name in names):
                    # Another program may delete its file in between.
                    with suppress(FileNotFoundError):
                        state = path.lstat()
                        found[path] = (state.st_mtime_ns, state.st_size)
        return found
