"""Estimators and inference; arrays in, frozen results out."""
