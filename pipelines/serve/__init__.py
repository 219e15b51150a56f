"""The role `serve`: what the river shows to others over HTTP; the only aiohttp server beside the sample site."""
