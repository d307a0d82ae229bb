"""Keyrings to test with: one that keeps in memory, one that is locked, one that is not there."""

from __future__ import annotations

from collections.abc import Iterator

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.errors import KeyringLocked, PasswordDeleteError


class MemoryKeyring(KeyringBackend):
    """Keeps passwords as long as the test runs; locked, it gives and takes nothing."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # keyring is typed in part
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        self._check()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._check()
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._check()
        if (service, username) not in self.kept:
            raise PasswordDeleteError("not there")
        del self.kept[service, username]

    def _check(self) -> None:
        if self.locked:
            raise KeyringLocked("locked")


def with_keyring(backend: KeyringBackend) -> Iterator[None]:
    """Make it this process's keyring for a while."""
    before = keyring.get_keyring()
    keyring.set_keyring(backend)
    yield
    keyring.set_keyring(before)


@pytest.fixture
def keys() -> Iterator[MemoryKeyring]:
    """A keyring that works."""
    backend = MemoryKeyring()
    for _ in with_keyring(backend):
        yield backend


@pytest.fixture
def no_keyring() -> Iterator[None]:
    """A machine without any."""
    yield from with_keyring(NoKeyring())  # type: ignore[no-untyped-call] # the same
