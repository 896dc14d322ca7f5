"""Device templates: what a device is by what it answers, what to poll on it, and when to raise an alarm."""
