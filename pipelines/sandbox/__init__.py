"""Work on hostile input in a child process that the kernel ends when it takes too much.

A page or a feed can keep a parser busy for minutes, eat all memory or crash the interpreter, and nothing inside the
process can stop C code that does. So they are worked on in a child: its CPU time, its memory and the time on the clock
are limited by the kernel, and what ends it is named while its neighbours never notice. A child serves many calls:
starting one takes up to a second, a call a fraction of a millisecond. Any function at the top of a module can be
called.

The child is `python -m pipelines.sandbox.child`, not a fork, which would inherit locks that Beam's threads hold.
Limits: setitimer(2) with the signals' default action, which ends a process also inside C code; RLIMIT_DATA of
getrlimit(2), which counts private memory since Linux 4.7.
"""

from pipelines.sandbox.pool import Sandbox
from pipelines.sandbox.protocol import CRASHED, NAME, Limits

__all__ = ["CRASHED", "NAME", "Limits", "Sandbox"]
