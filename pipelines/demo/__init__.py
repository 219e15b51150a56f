"""The sample news site of `newsriver demo`: invented outlets on loopback, and all that can go wrong with them."""
