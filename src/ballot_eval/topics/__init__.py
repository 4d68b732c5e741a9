"""The questions of the evaluation, each a short module."""
