"""The stages of a pipeline at work. Each is made from its definition and changes a batch of lines."""
