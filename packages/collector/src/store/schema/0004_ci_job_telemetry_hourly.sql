-- Hour by hour: how often, how long, how many failed, how many caches hit (telemetry.md §7). Aggregate states: read with
-- sum() and quantilesTDigestMerge(0.5, 0.95, 0.99)(DurationQuantiles), grouped by whatever is asked.
CREATE TABLE IF NOT EXISTS ci_job_telemetry_hourly (
    Hour DateTime CODEC(Delta(4), ZSTD(1)),
    ProjectId UInt64 CODEC(ZSTD(1)),
    SpanName LowCardinality(String) CODEC(ZSTD(1)),
    JobName LowCardinality(String) CODEC(ZSTD(1)),
    FunctionName LowCardinality(String) CODEC(ZSTD(1)),
    FunctionVersion LowCardinality(String) CODEC(ZSTD(1)),
    PipelineSource LowCardinality(String) CODEC(ZSTD(1)),
    FailureReason LowCardinality(String) CODEC(ZSTD(1)),
    Spans SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    FailedSpans SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    CacheLookups SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    CacheHits SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    TransferBytes SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    DurationSum SimpleAggregateFunction(sum, UInt64) COMMENT 'nanoseconds' CODEC(ZSTD(1)),
    DurationQuantiles AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), UInt64) CODEC(ZSTD(1)),
    QueuedQuantiles AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Nullable(Float64)) CODEC(ZSTD(1))
) ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(Hour)
ORDER BY (ProjectId, Hour, SpanName, JobName, FunctionName, FunctionVersion, PipelineSource, FailureReason)
SETTINGS index_granularity = 8192;

CREATE MATERIALIZED VIEW IF NOT EXISTS ci_job_telemetry_hourly_mv TO ci_job_telemetry_hourly AS
SELECT
    toStartOfHour(Timestamp) AS Hour,
    ProjectId,
    SpanName,
    JobName,
    FunctionName,
    FunctionVersion,
    PipelineSource,
    FailureReason,
    count() AS Spans,
    countIf(StatusCode = 'Error') AS FailedSpans,
    countIf(CacheHit IS NOT NULL) AS CacheLookups,
    countIf(CacheHit) AS CacheHits,
    sum(ifNull(telemetry.TransferBytes, 0)) AS TransferBytes,
    sum(Duration) AS DurationSum,
    quantilesTDigestState(0.5, 0.95, 0.99)(Duration) AS DurationQuantiles,
    quantilesTDigestState(0.5, 0.95, 0.99)(QueuedSeconds) AS QueuedQuantiles
FROM ci_job_telemetry_traces AS telemetry
GROUP BY Hour, ProjectId, SpanName, JobName, FunctionName, FunctionVersion, PipelineSource, FailureReason;
