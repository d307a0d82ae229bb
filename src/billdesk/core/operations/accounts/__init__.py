"""Accounts and their wallets, who they are on paper, and bringing in those that exist already."""
