"""The settings that an organization chooses."""
