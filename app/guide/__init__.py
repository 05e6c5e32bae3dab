"""The help page, written from the program's own lists of keys, filters, orders, commands and settings."""
