"""Run one command and print its wall-clock seconds, its peak resident memory (``ru_maxrss``) and its exit status.

Started as ``python -I -S spawn.py STDOUT STDERR COMMAND...``. It is a process of its own for the memory figure: a child
inherits, through its fork or spawn, the peak of the process that started it, so a child of a process that holds PyTorch
would seem to need PyTorch's memory. This one loads built-in modules alone and stays below a bare interpreter.
"""

import posix
import sys
import time


def main(stdout: str, stderr: str, *command: str) -> None:
    """Time ``command`` from its spawn until it is reaped, its two streams sent to files."""
    flags = posix.O_WRONLY | posix.O_CREAT | posix.O_TRUNC
    streams = [(posix.POSIX_SPAWN_OPEN, fd, path, flags, 0o600) for fd, path in ((1, stdout), (2, stderr))]
    start = time.perf_counter()
    pid = posix.posix_spawn(command[0], command, posix.environ, file_actions=streams)
    _, status, usage = posix.wait4(pid, 0)
    seconds = time.perf_counter() - start
    print(seconds, usage.ru_maxrss, posix.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main(*sys.argv[1:])
