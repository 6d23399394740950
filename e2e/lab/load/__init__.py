"""The lab's load client: sends at a fixed rate whatever happens, and keeps what came of each request.

Open loop: the send times lie on a grid that no answer can shift, and latency is counted from the
grid, so that a stalled server shows as late answers and not as fewer requests. It knows one URL,
and nothing of canaries.
"""

from e2e.lab.load.aggregate import SecondRow, Summary, by_second, by_version, summarise
from e2e.lab.load.client import LoadClient
from e2e.lab.load.record import Record

__all__ = ["LoadClient", "Record", "SecondRow", "Summary", "by_second", "by_version", "summarise"]
