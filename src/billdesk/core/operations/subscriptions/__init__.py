"""Who is on which plan: ordering, billing, changing, renewing and ending it."""
