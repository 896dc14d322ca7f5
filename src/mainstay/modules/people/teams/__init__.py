"""Teams: who does which work, at which level, for which places; approval groups and change boards."""
