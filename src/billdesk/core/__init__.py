"""The ledger and everything that is done with it; the three doors only speak to `core.desk`."""
