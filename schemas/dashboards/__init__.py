"""The dashboards as data: what each panel shows, and Kibana's objects made of it. Pure."""
