"""`python -m pipelines` is `newsriver`."""

from pipelines.cli import main

if __name__ == "__main__":
    main()
