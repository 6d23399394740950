"""End to end: the lab that runs the real parts on one machine, and the scenarios played in it."""
