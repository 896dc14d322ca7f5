"""Log templates: lines that differ only in their values, counted together."""
