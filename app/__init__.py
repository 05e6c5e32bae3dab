"""The server: HTTP in, pages and JSON out, the database, the commands."""
