"""Money in and back through gateways: links to pay, saved methods, retries, top-ups, card refunds."""
