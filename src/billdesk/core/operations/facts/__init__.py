"""What gateways say: taken in once, and applied to payments, refunds, methods and mirrors."""
