"""What was used: taking it in, showing it, telling of it and billing it."""
