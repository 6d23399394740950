"""Whether the dashboard and the alerts of deploy/monitoring/ show anything: asked of a real Prometheus.

The lab's Prometheus scrapes the real controller. A good and a bad version are released under load; meanwhile, again and
again, every query of every panel is evaluated, as Grafana would send it, and the expression of every alert.
"""
