"""The pipeline: the order of the steps and what flows between them, which is only bytes and short texts."""

from collections.abc import Sequence
from dataclasses import dataclass

import apache_beam as beam
from apache_beam.pvalue import AsList, AsSingleton, PCollection

from logscrub.beam import steps
from logscrub.beam.handover import ELSEWHERE
from logscrub.config import Settings
from logscrub.inputs import Batch, FileRange
from logscrub.release.day import PublishRules
from logscrub.traffic.calendar import DayRange

Keyed = tuple[str, bytes]


@dataclass(frozen=True)
class TrafficStatistics:
    """Everything the graph is made of.

    Attributes:
        batches: units of work.
        output: release folder, local or remote.
        account: file that the account of the run is written to, for the process that started it.
        settings: those of the run.
        shards: number of parts a day is split into.
        now_ms: when the run was started, epoch milliseconds.
        days: days that are asked for; None for all that are over.
        rules: what to do with days that are released already.
        signal_batches: units of work that are read for signals and links only.
        exclusions: lists of people to withhold.
        run: name of the run (see `handover`).
    """

    batches: Sequence[Batch]
    output: str
    account: str
    settings: Settings
    shards: int
    now_ms: int
    days: DayRange | None
    rules: PublishRules
    signal_batches: Sequence[Batch] = ()
    exclusions: Sequence[FileRange] = ()
    run: str = ELSEWHERE

    def build(self, pipeline: beam.Pipeline) -> None:
        """Add the job to a pipeline."""
        start = pipeline | "Start" >> beam.Create([b""])
        batches = start | "Batches" >> beam.ParDo(steps.Each(self.batches)).with_output_types(Batch)
        batches = batches | "Spread batches" >> beam.Reshuffle()
        # Behind the reshuffle a runner keeps the key instead of making another one on a retry.
        key = start | "Make key" >> beam.ParDo(steps.MakeKey()).with_output_types(bytes)
        key = AsSingleton(key | "Keep key" >> beam.Reshuffle())
        withheld = self._withheld(start, batches, key)
        hits, tallies = self._scrub(batches, key, AsSingleton(withheld))
        follow = steps.FollowVisitors(self.settings, self.run)
        tables = (
            hits
            | "Group shards" >> beam.GroupByKey()
            | "Follow visitors" >> beam.ParDo(follow).with_output_types(Keyed)
            | "Group tables" >> beam.GroupByKey()
            | "Release" >> beam.ParDo(steps.ReleaseTable(self.settings)).with_output_types(tuple[str, str])
        )
        publish = steps.PublishDay(self.output, self.settings, self.rules)
        if self.rules.asked:  # such a day is published whether or not it has hits
            no_tables = steps.Each([(date, "") for date in self.rules.asked])
            asked = start | "Days asked for" >> beam.ParDo(no_tables).with_output_types(tuple[str, str])
            tables = (tables, asked) | "Join days" >> beam.Flatten()
        days = (
            tables
            | "Group days" >> beam.GroupByKey()
            | "Publish" >> beam.ParDo(publish).with_output_types(str)
        )
        write = steps.WriteAccount(self.account)
        _ = start | "Write account" >> beam.ParDo(write, AsList(tallies), AsList(days), AsList(withheld))

    def _withheld(
        self, start: PCollection[bytes], batches: PCollection[Batch], key: AsSingleton
    ) -> PCollection[bytes]:
        more = [*self.signal_batches, *((part,) for part in self.exclusions)]
        if more:
            others = start | "More signals" >> beam.ParDo(steps.Each(more)).with_output_types(Batch)
            others = others | "Spread more signals" >> beam.Reshuffle()
            batches = (batches, others) | "With more signals" >> beam.Flatten()
        read = beam.ParDo(
            steps.ReadSignals(self.settings, self.now_ms, self.signal_batches, self.exclusions), key
        )
        signals = batches | "Read signals" >> read.with_output_types(bytes)
        whom = beam.CombineGlobally(steps.Withhold(self.settings)).without_defaults()
        withheld: PCollection[bytes] = signals | "Whom to withhold" >> whom.with_output_types(bytes)
        return withheld

    def _scrub(
        self, batches: PCollection[Batch], key: AsSingleton, withheld: AsSingleton
    ) -> tuple[PCollection[Keyed], PCollection[str]]:
        scrub = beam.ParDo(
            steps.ScrubRange(self.settings, self.shards, self.now_ms, self.days, self.run), key, withheld
        ).with_output_types(Keyed, **{steps.TALLY: str})
        scrubbed = batches | "Scrub" >> scrub.with_outputs(steps.TALLY, main="hits")
        return scrubbed.hits, scrubbed[steps.TALLY]
