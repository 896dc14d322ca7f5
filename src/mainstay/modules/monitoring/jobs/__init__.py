"""Jobs: every discovery and every polled device as one list, to see, pause, resume and run now."""
