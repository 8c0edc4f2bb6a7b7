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
    parser.add_argument("--date", help="release this day only: YYYY-MM-DD, or yesterday")
    parser.add_argument("--from", dest="first", help="release the days from this one on")
    parser.add_argument("--to", dest="last", help="up to this one, included; yesterday by default")
    ours, beam_flags = parser.parse_known_args(given)
    optional = {"--config": ours.config, "--date": ours.date, "--from": ours.first, "--to": ours.last}
    options = [part for name, value in optional.items() if value for part in (name, value)]
    return ["run", *ours.input, "--output", ours.output, *options, "--", *beam_flags]


if __name__ == "__main__":
    sys.argv[1:] = arguments(sys.argv[1:])
    main()
