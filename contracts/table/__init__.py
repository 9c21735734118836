"""What to ask each table: key schemas, item mapping, and one function per request. Nothing here asks."""
