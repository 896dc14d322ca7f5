"""MIB modules: what object identifiers mean. Uploaded ones are compiled and kept per organization; the standard ones
(names, numbers and types of the modules that nearly every device or other module uses) come along."""
