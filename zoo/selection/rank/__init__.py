"""Turns what is known and measured of candidates into an order."""
