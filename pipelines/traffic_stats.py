"""Entry point for runners and schedulers, which pass Beam's flags mixed with ours.

python pipelines/traffic_stats.py --input 'logs/*.gz' --output stats --runner FlinkRunner …
"""

import argparse
import sys

from logscrub.cli import main


def arguments(given: list[str]) -> list[str]:
    """Arguments of `logscrub` for those of a scheduler: whatever is not ours goes to Beam."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--input", action="append", required=True, help="file, folder or pattern; repeatable")
    parser.add_argument("--output", required=True, help="folder of the release, local or remote")
    parser.add_argument("--config", help="settings in TOML")
    ours, beam_flags = parser.parse_known_args(given)
    config = ["--config", ours.config] if ours.config else []
    return ["run", *ours.input, "--output", ours.output, *config, "--", *beam_flags]


if __name__ == "__main__":
    sys.argv[1:] = arguments(sys.argv[1:])
    main()
