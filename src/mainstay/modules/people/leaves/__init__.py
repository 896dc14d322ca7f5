"""Leaves: types with their days, holidays, balances and the calendar of who is away."""
