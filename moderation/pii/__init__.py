"""Personal data in a text, written and spoken: one recogniser a file, every match explains itself."""
