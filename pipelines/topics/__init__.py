"""Topics: the tagger and its lexicons."""
