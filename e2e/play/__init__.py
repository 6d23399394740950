"""What every play in the lab needs, whatever its stories: the stage, the witnesses, and what is made of it all.

`program` takes labs up and down around a play and sums up; `scene` opens what a story plays with (the controller as
its service account, clients that keep sending); `witnesses` fill the `journal` from the API server's watches
and Envoy's own configuration; `logs` reads what the controller asked. Expectations are judged elsewhere, from those
records alone, and come as a `Result` each. It knows no story.
"""
