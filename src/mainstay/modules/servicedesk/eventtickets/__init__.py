"""Events to tickets: triggers that open, update and resolve incidents, and the links between both."""
