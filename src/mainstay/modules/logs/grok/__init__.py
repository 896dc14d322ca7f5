"""Grok: named patterns that make fields out of lines, in a form that always takes time linear in the line."""
