"""The command ``costmodel``, and ``python -m costmodel``."""

import gc


def run() -> None:
    """Run the command line of this process."""
    # Nothing that an import makes is garbage, and it lives as long as the process: not to look for garbage among it
    # saves a command a tenth of its time.
    gc.disable()
    try:
        from costmodel.cli import main

        gc.enable()
        gc.freeze()
        main()
    except KeyboardInterrupt:  # before or after the command itself, which answers one with the same status
        raise SystemExit(130) from None


if __name__ == "__main__":
    run()
