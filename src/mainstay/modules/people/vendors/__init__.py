"""Vendors: the companies that things are bought from and that support them."""
