"""Runs the parts of the app as child processes, starts what falls over, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from retention.machine.keeper import die_with_parent

FAILURES, WINDOW = 5, 60.0  # so many falls within so many seconds stop everything
TICK = 0.25


class GivenUp(Exception):
    """A part falls over whenever it is started; the message names it."""


@dataclass
class Part:
    name: str
    command: Sequence[str]
    stop_order: int
    patience: float = 5.0  # seconds between asking it to stop and making it
    stop_signal: int = signal.SIGTERM
    orphan_signal: int = 0  # from the kernel, when the supervisor was killed; 0: the same
    once: bool = False  # a job that ends, and is not started again
    folder: Path = Path("/")
    owner: dict[str, object] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    falls: deque[float] = field(default_factory=lambda: deque(maxlen=FAILURES))
    start_at: float = 0.0

    def start(self, keep_open: Sequence[int] = ()) -> None:
        self.kill_group()
        # A session of its own: Ctrl-C reaches only the supervisor, which stops the parts in their order.
        self.process = subprocess.Popen(  # type: ignore[call-overload]
            self.command,
            stdin=subprocess.DEVNULL,
            cwd=self.folder,
            start_new_session=True,
            pass_fds=keep_open,
            preexec_fn=die_with_parent(self.orphan_signal or self.stop_signal),
            **self.owner,
        )

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def ask_to_stop(self) -> None:
        # Not the group: a worker's children must finish their task, and its main process tells them.
        if self.process and self.alive:
            self.process.send_signal(self.stop_signal)

    def kill_group(self) -> None:
        """A killed web server or worker leaves orphans that keep the port: end all of its group."""
        if self.process:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def note_fall(self, now: float) -> None:
        self.falls.append(now)
        if len(self.falls) == FAILURES and now - self.falls[0] < WINDOW:
            raise GivenUp(f"{self.name} stopped {FAILURES} times within a minute; the lines above say why.")
        self.start_at = now + min(0.25 * 2 ** len(self.falls), 5.0)


class Supervisor:
    def __init__(self, keep_open: Sequence[int] = ()) -> None:
        self.parts: list[Part] = []
        self.keep_open = keep_open
        self.stopping = False
        self.hurry = False
        # Signals wake the select below through this pipe: a handler that takes a lock could deadlock.
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(self._woken, False)

    def listen(self) -> None:
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def _on_signal(self, *_: object) -> None:
        self.hurry = self.stopping  # asked twice: no more patience
        self.stopping = True

    def start(self, part: Part) -> Part:
        self.parts.append(part)
        part.start(self.keep_open)
        return part

    def wait(self, seconds: float = TICK) -> None:
        if select.select([self._woken], [], [], seconds)[0]:
            with contextlib.suppress(BlockingIOError):
                os.read(self._woken, 4096)

    def watch(self, on_tick: Callable[[], None]) -> None:
        while not self.stopping:
            self.mend()
            on_tick()
            self.wait()

    def mend(self) -> None:
        now = time.monotonic()
        for part in self.parts:
            if part.alive or part.process is None:
                if part.process is None and not part.once and now >= part.start_at:
                    part.start(self.keep_open)
                continue
            if part.once:
                continue
            part.kill_group()
            part.process = None
            part.note_fall(now)

    def stop(self) -> None:
        """Web, then worker and scheduler together, then the broker: nobody loses what it still needs."""
        self.stopping = True
        for order in sorted({part.stop_order for part in self.parts}):
            self._stop_together([part for part in self.parts if part.stop_order == order])

    def _stop_together(self, parts: Sequence[Part]) -> None:
        for part in parts:
            part.ask_to_stop()
        deadline = time.monotonic() + max(part.patience for part in parts)
        while any(part.alive for part in parts) and time.monotonic() < deadline and not self.hurry:
            self.wait(0.05)
        for part in parts:
            part.kill_group()
