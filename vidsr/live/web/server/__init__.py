"""The server itself: its thread, its routes, and answers for machines."""

from vidsr.live.web.server.web_server import WebServer as WebServer
