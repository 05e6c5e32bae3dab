"""Keeping what laboratories entrusted: backups, restores, upgrades, disk use, and whole projects in one file."""
