"""Log rules: a query over a window of time, on a schedule, that raises an event and clears it."""
