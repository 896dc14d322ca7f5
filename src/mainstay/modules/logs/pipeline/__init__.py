"""Log pipelines: ordered stages that make fields out of lines as they come in."""
