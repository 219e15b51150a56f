"""Feed lists: what people keep, where it is kept, and what a feed would bring."""
