"""People: authentication, users, roles, requesters, teams, departments, leaves, vendors, partners."""
