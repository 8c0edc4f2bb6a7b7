"""`python -m logscrub` is the command `logscrub`."""

try:
    from logscrub.cli import main

    main()
except KeyboardInterrupt:  # before there was anything to interrupt
    raise SystemExit(130) from None
