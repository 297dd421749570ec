"""Run as a program of its own: bind this process's life to its parent's, then become the command given.

`python leash.py PARENT_PID COMMAND [ARG ...]`. PR_SET_PDEATHSIG survives exec, but must be set in the child; doing it here
instead of in a fork of a process with many threads needs no code between fork and exec. The signal comes when the parent's
*thread* that forked us ends: that thread must live as long as we shall.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1

if __name__ == "__main__":
    if ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        sys.exit("prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != int(sys.argv[1]):
        sys.exit("the parent is gone already")
    os.execv(sys.argv[2], sys.argv[2:])
