"""Configuration items: the records of everything the organization owns, runs or depends on.

``tables`` the item and what identifies it; ``parts`` what it is made of, as discovery finds it; ``reconcile`` how facts
from several sources become one item; ``lookup`` which item an address belongs to; ``audit`` stock-taking.
"""
