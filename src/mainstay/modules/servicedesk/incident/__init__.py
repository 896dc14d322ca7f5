"""Incidents (tickets): from a requester's report through the conversation to closure (ITIL incident management)."""
