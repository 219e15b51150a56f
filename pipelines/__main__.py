"""`python -m pipelines` is `newsriver`."""

import pipelines.runtime.early  # noqa: F401 - before all else

# isort: split
from pipelines.cli import main

if __name__ == "__main__":
    main()
