"""Business hours: named profiles of when people work, that rules and clocks go by."""
