"""The same surroundings for every test, wherever it runs.

Textual reads its environment when it is imported, so this comes before any other import of ours.
"""

import gc
import itertools
import os
import time
from collections.abc import Iterator, MutableMapping
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["tests.postgres_fixtures"]

HERE = Path(__file__).parent
FIRST = ("demo/", "proofs/", "screens/")
COUNTED = ("core/", "cli/test_gateway_commands.py")
"""Where lines of the core are counted: its own tests, and those of a key that is not here.

Counting takes a third of a test's time, and a line that only other tests reach is not proven.
"""

FOLDERS = {
    "HOME": ".",
    "XDG_CACHE_HOME": "cache",
    "XDG_CONFIG_HOME": "config",
    "XDG_DATA_HOME": "data",
    "XDG_RUNTIME_DIR": "runtime",
    "XDG_STATE_HOME": "state",
}
LOUD = [
    "COLUMNS",
    "FORCE_COLOR",
    "LINES",
    "NO_COLOR",
    "PY_COLORS",
    "TEXTUAL_FILTERS",
    "TEXTUAL_THEME",
]
# What only tests read, and a developer may set.
OURS = ("BILLDESK_TEST_", "BILLDESK_SPECS")


def quieten(environment: MutableMapping[str, str]) -> None:
    """Take out what colours, sizes or times the output, and every setting of the developer's."""
    for name in list(environment):
        if name.startswith("BILLDESK_") and not name.startswith(OURS):
            del environment[name]
    for name in LOUD:
        environment.pop(name, None)
    environment.update(
        {
            "COLORTERM": "truecolor",
            "LC_ALL": "C.UTF-8",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "TERM": "xterm-256color",
            "TEXTUAL_ANIMATIONS": "none",
            "TZ": "UTC",
            # Typer draws for a terminal wherever it believes to be on a build server.
            "_TYPER_FORCE_DISABLE_TERMINAL": "1",
        }
    )
    if hasattr(time, "tzset"):
        time.tzset()


quieten(os.environ)

# Until all tests are collected, nothing is thrown away.
gc.disable()

# The short form is the same every time; the soak looks further and somewhere else each time.
settings.register_profile("short", deadline=None, derandomize=True)
settings.register_profile("soak", deadline=None, max_examples=2_000)
settings.load_profile("short")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, and count lines of the core only where they are proven."""
    paths = {item: item.path.relative_to(HERE).as_posix() for item in items}
    items.sort(key=lambda item: [not paths[item].startswith(room) for room in FIRST])
    for item in items:
        if not paths[item].startswith(COUNTED):
            item.add_marker(pytest.mark.no_cover)


def pytest_collection_finish() -> None:
    """Look for garbage less often, and never again among all that was imported and collected."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    gc.enable()


def point_home(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Make this folder the place where billdesk keeps its files."""
    for variable, folder in FOLDERS.items():
        monkeypatch.setenv(variable, str(home / folder))


@pytest.fixture(scope="session")
def new_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Paths that nothing has yet. Pytest's own way looks through every folder there is for each."""
    top = tmp_path_factory.mktemp("tests")
    return (top / f"{number:05}" for number in itertools.count(1))


@pytest.fixture
def tmp_path(new_folders: Iterator[Path]) -> Path:
    """An empty folder of the test's own."""
    folder = next(new_folders)
    folder.mkdir()
    return folder


@pytest.fixture(scope="session", autouse=True)
def session_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing a session-wide fixture does reaches the developer's own desk."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        point_home(monkeypatch, tmp_path_factory.mktemp("home"))
        yield


@pytest.fixture(autouse=True)
def uncounted(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where lines are not counted, processes that a test starts count none either."""
    if request.node.get_closest_marker("no_cover"):
        monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)


@pytest.fixture(autouse=True)
def home(new_folders: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of the test's own: no ledger, no configuration, no keys."""
    folder = next(new_folders)
    folder.mkdir()
    point_home(monkeypatch, folder)
    return folder
