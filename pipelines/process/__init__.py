"""The Beam job: pages from Kafka cleaned, tagged and indexed, every one accounted for."""
