"""A Google Sheet, read once: whom to ask as, what came and what it means, and the document it makes."""
