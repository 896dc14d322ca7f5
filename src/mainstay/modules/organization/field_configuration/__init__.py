"""Field configuration and custom fields: which fields a module has and how they behave for whom."""
