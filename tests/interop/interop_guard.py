"""Keeps the original fedmsg on a leash during interop tests; imported at every interpreter start.

`setup` installs it into the virtual environment with a .pth file. It does nothing unless one of
its variables is set, and never changes what fedmsg computes or sends:

INTEROP_LOOPBACK=1   fedmsg binds tcp://*:PORT whatever host its endpoint names; with this variable
                     ZeroMQ binds on 127.0.0.1 instead.
INTEROP_PARENT=PID   the program and its process group end when process PID, its parent, ends: a
                     test run that is interrupted leaves no daemon behind (Linux, pidfd_open).
"""

import os


def bind_on_loopback():
    """Redirects binds on every interface to 127.0.0.1."""
    import zmq

    bind = zmq.Socket.bind

    def bind_on_loopback(self, address):
        if isinstance(address, bytes):
            address = address.decode()
        return bind(self, address.replace("tcp://*:", "tcp://127.0.0.1:"))

    zmq.Socket.bind = bind_on_loopback


def end_with(parent):
    """Starts a thread that kills this process group once `parent` is gone."""
    import select
    import signal
    import threading

    def kill():
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)

    def watch(pidfd):
        select.select([pidfd], [], [])
        kill()

    try:
        pidfd = os.pidfd_open(parent)
    except (AttributeError, PermissionError, OSError):
        pidfd = None
    if os.getppid() != parent:
        kill()
    if pidfd is not None:
        threading.Thread(target=watch, args=(pidfd,), daemon=True).start()


if os.environ.get("INTEROP_LOOPBACK") == "1":
    bind_on_loopback()
if os.environ.get("INTEROP_PARENT"):
    end_with(int(os.environ.pop("INTEROP_PARENT")))
