"""Payment gateways, one file each, behind the protocol of `rules/gateway.py`."""
