"""Kafka and Elasticsearch on this machine, without Docker."""

from pipelines.stack.inspection import PartStatus, status
from pipelines.stack.lifecycle import down, reset, up
from pipelines.stack.report import Report, Silent
from pipelines.stack.state import Endpoints, endpoints

__all__ = ["Endpoints", "PartStatus", "Report", "Silent", "down", "endpoints", "reset", "status", "up"]
