"""Classifiers: fitted on a learning set, versioned, kept with their report and with what they were trained on."""
