"""The ledger: what became of every article, the audit that proves it, and the dead letters."""
