"""Invoices on paper: from a finished sheet to the bytes of a PDF, always the same ones.

`wording` says what stands on the paper and `layout` where; neither needs reportlab. `page` draws.
"""
