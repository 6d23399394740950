"""The process that counts what the mesh's proxies say they have answered.

Upstream's Envoy has none of Istio's filters, so it reports no istio_requests_total. Its access log has all that is
needed, also of requests that reached no pod: this process reads it from a pipe of each Envoy and shows Istio's
standard metrics with reporter=source. It knows Envoys, pods and log lines; it must not know canaries or weights.
"""
