"""The story of people in the lab: a release waits for somebody and is approved by name; a bad one says what broke it.

A message in the shape that Slack documents leads to what opens the gate; a command and a POST open it too, for those
who have the right, and for nobody else. `plan` says what is released, `ways` what people do at the gate, `runs` plays a
release, `judge` and `judge_message` look at what came of it.
"""
