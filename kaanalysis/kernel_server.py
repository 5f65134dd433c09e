"""Kernels forked from one process that has imported the workbook already: a notebook starts in a fraction of a second.

Each notebook runs in a kernel of its own (a process with its own connection file), as with Papermill anywhere; only its start differs.
:class:`KernelServer` starts ``python -m kaanalysis.kernel_server SOCKET``, which imports once and then forks a kernel per request. What
Jupyter takes for the kernel is a small process that asks for the fork, waits, and ends as the kernel ends; when it is killed, so is the
kernel. The server ends, and its kernels with it, when the process that started it ends, by ``kill -9`` too: it reads a pipe whose other
end that process holds. A kernel ends when the server is killed, which then has no moment left to end it: Linux sends it a signal, elsewhere
ipykernel looks once a second whether its parent is still there.

The server forks before it has any thread of its own: nothing but imports has happened in it (numerical libraries that start threads on
import handle a fork themselves). Where there is no fork (Windows) or the server does not come up, kernels start as usual.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

KERNELS = "KAANALYSIS_KERNELS"  # address of the server that kernels of this run are forked from
START_SECONDS = 120.0
# What every notebook imports, some of it only when it is first used, and what a kernel is made of.
WHAT = ("kaanalysis.workbook", "ibis.backends.duckdb", "pyarrow.parquet", "matplotlib.backends.backend_svg", "ipykernel.ipkernel",
        "ipykernel.kernelapp", "matplotlib_inline.backend_inline")  # fmt: skip


_running: list[subprocess.Popen[bytes]] = []  # started by this process


class KernelServer:
    """The server as its starter sees it. Used as a context manager: within it, :func:`kernel_manager` gives forked kernels, in this
    process and in those that inherit its environment."""

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> KernelServer:
        if KERNELS in os.environ or not hasattr(os, "fork"):  # an outer run's server serves this one too
            return self
        self._folder = tempfile.TemporaryDirectory(prefix="kaanalysis-kernels-")
        address = str(Path(self._folder.name) / "socket")
        self._server = subprocess.Popen(
            [sys.executable, "-P", "-m", "kaanalysis.kernel_server", address],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _running.append(self._server)
        os.environ[KERNELS] = address  # a kernel asked for while the server still imports waits for it
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            os.environ.pop(KERNELS, None)
            _running.remove(self._server)
            assert self._server.stdin is not None
            self._server.kill()  # kernels that are still there end with it (_end_with)
            self._server.wait()
            self._server.stdin.close()
        if self._folder is not None:
            self._folder.cleanup()


def kernel_manager() -> dict[str, Any]:
    """What Papermill is to be told so that its kernel is forked; nothing where no server runs."""
    address = os.environ.get(KERNELS)
    gone = not address or not Path(address).parent.is_dir() or any(server.poll() is not None for server in _running)
    if gone:  # a server that does not come up, or an address left by a run that has ended
        return {}
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    class ForkedKernelManager(AsyncKernelManager):
        @property
        def kernel_spec(self) -> KernelSpec:
            argv = [sys.executable, "-I", "-S", __file__, address, "{connection_file}"]
            return KernelSpec(argv=argv, display_name="Python 3", language="python")

    return {"kernel_manager_class": ForkedKernelManager}


def ask(address: str, connection_file: str) -> int:
    """The small process: ask the server for a kernel, wait, and return how it ended. Runs without site-packages: it starts in
    milliseconds."""
    import time

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # sent on shutdown too; the kernel itself is asked by message
    until = time.monotonic() + START_SECONDS
    while True:
        line = socket.socket(socket.AF_UNIX)
        try:
            line.connect(address)
            break
        except OSError:
            line.close()
            if time.monotonic() > until:
                return 1
            time.sleep(0.02)
    request = {"connection_file": connection_file, "cwd": str(Path.cwd()), "environment": dict(os.environ)}
    line.sendall(json.dumps(request).encode() + b"\n")
    answer = line.makefile("rb").readline()
    return int(answer) if answer else 1


def _end_with(server: int) -> None:
    """In the forked process: end when the server ends, however that happens. A kernel deep in a numerical library runs no Python that could
    notice it by itself, and would go on for minutes with nobody to read its result."""
    if sys.platform == "linux":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):  # a C library without prctl: ipykernel's own look remains
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # 1: PR_SET_PDEATHSIG
    if os.getppid() != server:  # it ended between the fork and the line above
        os._exit(1)


def _kernel(request: dict[str, Any], server: int) -> None:
    """In the forked process: become the kernel; never returns."""
    try:
        _end_with(server)
        os.setsid()
        os.chdir(request["cwd"])
        os.environ.clear()
        os.environ.update(request["environment"])
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nowhere, descriptor)
        from ipykernel.kernelapp import IPKernelApp

        # Told here and not by JPY_PARENT_PID: ipykernel reads that when it is imported, which was before the fork, in the server.
        parent = f"--IPKernelApp.parent_handle={server}"
        sys.argv = ["ipykernel_launcher", "-f", request["connection_file"], "--log-level=CRITICAL", parent]
        IPKernelApp.launch_instance(sys.argv[1:])
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        code = 1
    os._exit(code)


class _Server:
    """One loop over the pipe to the starter, the socket, the lines to the small processes, and the ends of kernels."""

    def __init__(self, address: str) -> None:
        self.selector, self.lines = selectors.DefaultSelector(), dict[int, socket.socket]()
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(address)
        self.socket.listen(64)
        reading, writing = os.pipe()
        for descriptor in (reading, writing):
            os.set_blocking(descriptor, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(writing)
        self.ends = reading

    def serve(self) -> None:
        for source in (sys.stdin.fileno(), self.socket, self.ends):
            self.selector.register(source, selectors.EVENT_READ)
        while True:
            for key, _ in self.selector.select():
                if key.fileobj is self.socket:
                    line, _ = self.socket.accept()
                    self.selector.register(line, selectors.EVENT_READ, "new")
                elif key.fileobj == self.ends:
                    with contextlib.suppress(BlockingIOError):
                        os.read(self.ends, 4096)
                    self._reap()
                elif key.data == "new":
                    self._start(key.fileobj)  # type: ignore[arg-type]
                elif isinstance(key.fileobj, socket.socket):
                    self._hung_up(key.fileobj)
                else:
                    self._end()
                    return

    def _start(self, line: socket.socket) -> None:
        asked = line.makefile("rb").readline()
        self.selector.unregister(line)
        if not asked:
            line.close()
            return
        server, kernel = os.getpid(), os.fork()
        if kernel == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self.selector.close()
            for held in (*self.lines.values(), line, self.socket):
                held.close()
            _kernel(json.loads(asked), server)
        self.lines[kernel] = line
        self.selector.register(line, selectors.EVENT_READ)

    def _hung_up(self, line: socket.socket) -> None:
        """The small process is gone: nobody waits for its kernel any more."""
        for kernel, its in list(self.lines.items()):
            if its is line:
                _kill(kernel)
        self.selector.unregister(line)

    def _reap(self) -> None:
        while True:
            try:
                kernel, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not kernel:
                return
            line = self.lines.pop(kernel)
            code = os.waitstatus_to_exitcode(status)
            with contextlib.suppress(OSError):
                line.sendall(f"{code if code >= 0 else 128 - code}\n".encode())
            with contextlib.suppress(KeyError):
                self.selector.unregister(line)
            line.close()

    def _end(self) -> None:
        for kernel in self.lines:
            _kill(kernel)


def _kill(kernel: int) -> None:
    for kill in (os.killpg, os.kill):  # the group is there once the kernel has begun
        with contextlib.suppress(ProcessLookupError):
            kill(kernel, signal.SIGKILL)
            return


def _imported() -> None:
    """What every notebook imports and reads, and what a kernel is made of."""
    import builtins
    import gc
    import importlib
    import types

    # pandas asks on import whether it is in a kernel, and cuts wide tables where it is not: it will be in one.
    builtins.get_ipython = lambda: types.SimpleNamespace(kernel=True)  # type: ignore[attr-defined]
    for name in WHAT:
        importlib.import_module(name)
    del builtins.get_ipython  # type: ignore[attr-defined]
    from kaanalysis.policy import load_policy
    from kaanalysis.text import LANGUAGES, words

    load_policy()
    for language in LANGUAGES:
        words(language)
    gc.collect()
    gc.freeze()  # what is here already stays shared with the kernels


if __name__ == "__main__":
    if len(sys.argv) > 2:
        sys.exit(ask(sys.argv[1], sys.argv[2]))
    _imported()
    _Server(sys.argv[1]).serve()
