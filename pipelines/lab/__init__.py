"""The laboratory: benchmarks, the simulated internet, the fault lab. Only the command line imports it."""
