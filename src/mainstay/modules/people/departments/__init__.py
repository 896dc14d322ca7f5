"""Departments: who belongs together, who heads them, who allocates their work."""
