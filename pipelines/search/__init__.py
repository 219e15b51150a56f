"""Questions of users: what they ask for, and what Elasticsearch answers."""
