"""The fetch role: announced articles, each fetched once and politely, and put onto Kafka as pages."""
