"""The fault lab: a river on a stack of its own, broken in a seeded order, and the accounts at the end."""
