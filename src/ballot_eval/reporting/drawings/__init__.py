"""What the figures of the report draw, from finished results."""
