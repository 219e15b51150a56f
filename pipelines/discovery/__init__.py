"""Finding feeds and judging them: candidates on a site, a survey of it, and what `newsriver feeds check` says."""
