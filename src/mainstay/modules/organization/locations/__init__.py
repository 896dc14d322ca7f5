"""Locations: the address book, from the country down to the floor."""
