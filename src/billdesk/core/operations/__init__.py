"""What the desk does: each room a capability, each file a trade, each public function a verb of it.

An operation asks the clock once, checks the rules, and works in one write block; a remote call is
never made inside one.
"""
