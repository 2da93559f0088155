"""Tells people what concerns them, once: notices from events, by the city's own templates and rules.

It owns notices, their deliveries and attempts, the endpoints of other systems, and the sealed contacts of reporters.
"""
