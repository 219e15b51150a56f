"""A simulated internet on loopback: thousands of hosts that publish, lie, stumble and keep a log of who asked what."""
