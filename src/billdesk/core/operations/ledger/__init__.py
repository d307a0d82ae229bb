"""Postings: charging, holding, correcting and proving them, and the lots of credits that they move."""
