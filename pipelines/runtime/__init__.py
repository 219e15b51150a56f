"""What every role stands on: signals, the run loop, threads, heartbeat, supervision, logs, endpoints."""
