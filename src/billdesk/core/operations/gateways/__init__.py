"""The other side: connecting gateways, polling them, mirroring what they bill, reconciling."""
