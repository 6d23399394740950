"""First light: releases a good version and takes back bad ones, under load, through the lab's real parts.

    python -m e2e.first_light               the whole story: `make lab`
    python -m e2e.first_light --quick       one good and one bad release, with shorter steps

`__main__` takes labs up and down and sums up. Inside a lab, `inside` plays the stories: it starts the
controller as its service account, keeps requests coming, and records what each witness saw
(the API server's watches, Envoy's own configuration, each request's answer, the audit log, Prometheus'
query log). What was expected of it all is judged afterwards by pure functions (`judge_*`) from those
records alone.
"""
