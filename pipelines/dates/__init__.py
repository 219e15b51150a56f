"""Dates as feeds, sitemaps and pages write them, in eighty languages; never a wrong date rather than none. Pure.

`read_moment` is the whole interface.
"""

from pipelines.dates.moment import Moment, Order
from pipelines.dates.read import read_moment

__all__ = ["Moment", "Order", "read_moment"]
