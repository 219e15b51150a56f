"""The poll role: which feeds are due, asking them, and announcing what is new on Kafka."""
