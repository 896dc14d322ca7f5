"""Item classifications: a tree of named filters over the items, to look at the estate from several sides."""
