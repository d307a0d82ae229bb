"""Invoices and credit notes: drafting, issuing, ending, auditing and drawing them."""
