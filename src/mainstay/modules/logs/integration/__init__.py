"""Log sources: who sends lines to which organization, how they are read and how long they are kept."""
