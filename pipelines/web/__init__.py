"""The role `serve`: what the river shows to others over HTTP, on FastAPI, Jinja2 and uvicorn."""
