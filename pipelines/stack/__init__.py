"""Kafka and Elasticsearch on this machine, without Docker."""

from pipelines.stack.inspection import PartStatus, status
from pipelines.stack.lifecycle import down, reset, up
from pipelines.stack.report import Silent, StackReport
from pipelines.stack.state import Endpoints, endpoints

__all__ = ["Endpoints", "PartStatus", "Silent", "StackReport", "down", "endpoints", "reset", "status", "up"]
