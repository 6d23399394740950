"""What the commands do that talk to a cluster. Imported when one of them is called, and not before."""
