"""Event rules: what a message means. Classes of events, the shipped rules, and those of the organization.

Both are data: ``data/classes`` and ``data/rules``. Every rule carries the messages it must recognise, and the test
suite runs them.
"""
