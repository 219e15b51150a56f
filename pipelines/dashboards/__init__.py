"""The dashboards at work: asked of Elasticsearch, drawn, and brought into Kibana."""
