"""Device groups: sets of items, listed or by rule; also what somebody is allowed to see."""
