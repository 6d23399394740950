"""The API server: requests, watched stores, writes. The only place that imports kubernetes_asyncio."""
