"""What the river counts and measures: every metric declared once, recorded where the work is done."""
