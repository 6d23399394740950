"""Routing: what the traffic objects of each mesh look like, and how a weight in them is read and written. All pure."""
