"""Write a service as functions from events to events."""
