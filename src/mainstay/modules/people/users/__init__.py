"""Users: the staff's accounts, their own profile, clock times and page settings."""
