"""What Kafka refuses within the graph: a runner hands on an error's text alone, the process is to end by its kind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pipelines.errors import ServiceError


class Refusals:
    """The refusal that the steps of a process met first: Beam makes the steps anew for every run of the graph."""

    def __init__(self) -> None:
        self.met: ServiceError | None = None

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Ask Kafka within."""
        try:
            yield
        except ServiceError as error:
            self.met = self.met or error
            raise

    def raise_met(self) -> None:
        """End what runs the graph.

        Raises:
            ServiceError: a step met one.
        """
        if self.met is not None:
            raise self.met
