"""Estimation from cluster samples with unequal weights; arrays in, frozen results out."""
