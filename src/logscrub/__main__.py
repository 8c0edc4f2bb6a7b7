"""`python -m logscrub` is the command `logscrub`."""

from logscrub.cli import main

main()
