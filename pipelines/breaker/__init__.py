"""The dead-letter breaker: stops a role whose own fault most dead letters are, until a person lets it go on.

`window` judges, `state` keeps the verdict on Kafka, `guard` is what a running role asks.
"""
