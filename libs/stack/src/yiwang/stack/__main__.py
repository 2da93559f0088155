"""`python -m yiwang.stack` is the `yiwang` command."""

from yiwang.stack.cli import main

if __name__ == "__main__":
    main()
