"""The organization: locations, tags, announcements, field configuration, settings, tasks."""
