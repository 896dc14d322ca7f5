"""SNMP traps and informs: received, checked, named, kept, and turned into events by trap configurations."""
