"""Variables of the environment by which a supervisor tells a process who it is."""

from __future__ import annotations

PARENT = "NEWSRIVER_PARENT"
"""Environment variable in which a supervisor gives its process id to the roles it starts."""

NAME = "NEWSRIVER_WORKER"
"""Environment variable in which a supervisor gives a role its name, e.g. `process-1`: the same after each restart."""

MEMBER = "NEWSRIVER_MEMBER"
"""Environment variable with the name under which a process stands in its consumer groups, unique among all copies.

One that is started again under the same name gets its partitions back at once, instead of when Kafka has given up
waiting for the one before (KIP-345). A supervisor gives it; elsewhere the name of a stateful pod will do.
"""

INTERNAL = frozenset({PARENT, NAME, MEMBER})
"""Variables of the environment that are no settings: processes give them to each other."""
