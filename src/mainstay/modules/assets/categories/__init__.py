"""Categories: the tree of CI classes, with the attributes and rules that items of a class have."""
