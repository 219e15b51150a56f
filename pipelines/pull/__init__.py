"""The pulling side: feeds asked when they are due, pages fetched politely, both onto Kafka."""
