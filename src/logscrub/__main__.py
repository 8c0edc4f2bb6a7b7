"""`python -m logscrub` is the command `logscrub`."""

try:
    from logscrub.cli import entry

    entry()
except KeyboardInterrupt:  # before there was anything to interrupt
    raise SystemExit(130) from None
