"""Counting round trips: a socket in front of Postgres that hears who speaks when."""

from __future__ import annotations

import select
import socket
import threading
from contextlib import suppress
from pathlib import Path

NAME = ".s.PGSQL.5432"


class TripCounter:
    """Passes everything on between clients and a server's Unix socket.

    A round trip begins when the client speaks after the server has: `trips` counts them.
    """

    def __init__(self, folder: Path, server: Path) -> None:
        self.trips = 0
        self._server = server / NAME
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / NAME))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more clients."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self._server))
                threading.Thread(target=self._pass_on, args=(client, server), daemon=True).start()

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        speaker = server
        with client, server, suppress(OSError):
            while True:
                for heard in select.select([client, server], [], [])[0]:
                    words = heard.recv(65_536)
                    if not words:
                        return
                    if heard is client and speaker is server:
                        self.trips += 1
                    speaker = heard
                    (server if heard is client else client).sendall(words)
