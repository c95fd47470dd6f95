-- What CI asks about, as typed columns: one row for each span that carries a job's id, on itself or on its resource
-- (telemetry.md §2 and §7). Unknown numbers are 0, unknown texts empty; what may be absent and means something else
-- than zero is Nullable. A span that was stored twice becomes one row when parts merge, so read it with
-- LIMIT 1 BY TraceId, SpanId or FINAL where that matters. The view looks keys up in maps with plain keys: with
-- LowCardinality ones each of its thirty lookups costs five times as much.
CREATE TABLE IF NOT EXISTS ci_job_telemetry_traces (
    Timestamp DateTime64(9) CODEC(Delta(8), ZSTD(1)),
    TraceId String CODEC(ZSTD(1)),
    SpanId String CODEC(ZSTD(1)),
    ParentSpanId String CODEC(ZSTD(1)),
    SpanName LowCardinality(String) CODEC(ZSTD(1)),
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    Duration UInt64 COMMENT 'nanoseconds' CODEC(ZSTD(1)),
    StatusCode LowCardinality(String) CODEC(ZSTD(1)),
    StatusMessage String CODEC(ZSTD(1)),
    ErrorType LowCardinality(String) CODEC(ZSTD(1)),
    ProjectId UInt64 CODEC(ZSTD(1)),
    ProjectPath LowCardinality(String) CODEC(ZSTD(1)),
    PipelineId String CODEC(ZSTD(1)),
    PipelineSource LowCardinality(String) CODEC(ZSTD(1)),
    Ref LowCardinality(String) CODEC(ZSTD(1)),
    JobId UInt64 CODEC(ZSTD(1)),
    JobName LowCardinality(String) CODEC(ZSTD(1)),
    JobStage LowCardinality(String) COMMENT 'the pipeline stage' CODEC(ZSTD(1)),
    JobStatus LowCardinality(String) CODEC(ZSTD(1)),
    FailureReason LowCardinality(String) CODEC(ZSTD(1)),
    AllowFailure Bool CODEC(ZSTD(1)),
    ExitCode Nullable(Int32) CODEC(ZSTD(1)),
    QueuedSeconds Nullable(Float64) CODEC(ZSTD(1)),
    RunnerId UInt64 CODEC(ZSTD(1)),
    RunnerExecutor LowCardinality(String) CODEC(ZSTD(1)),
    StageName LowCardinality(String) COMMENT 'the build stage, in full' CODEC(ZSTD(1)),
    StageStatus LowCardinality(String) CODEC(ZSTD(1)),
    CpuSeconds Nullable(Float64) CODEC(ZSTD(1)),
    MemoryPeakBytes Nullable(UInt64) CODEC(ZSTD(1)),
    CacheKey String CODEC(ZSTD(1)),
    CacheHit Nullable(Bool) CODEC(ZSTD(1)),
    TransferBytes Nullable(UInt64) COMMENT 'size of a cache, an artifact archive or an image' CODEC(ZSTD(1)),
    FunctionName LowCardinality(String) CODEC(ZSTD(1)),
    FunctionVersion LowCardinality(String) CODEC(ZSTD(1)),
    FunctionStatus LowCardinality(String) CODEC(ZSTD(1)),
    INDEX idx_job_id JobId TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX idx_pipeline_id PipelineId TYPE bloom_filter(0.001) GRANULARITY 1
) ENGINE = ReplacingMergeTree
PARTITION BY toDate(Timestamp)
PRIMARY KEY (ProjectId, toDateTime(Timestamp))
ORDER BY (ProjectId, toDateTime(Timestamp), JobId, TraceId, SpanId)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS ci_job_telemetry_traces_mv TO ci_job_telemetry_traces AS
WITH
    CAST(SpanAttributes, 'Map(String, String)') AS span,
    CAST(ResourceAttributes, 'Map(String, String)') AS resource
SELECT
    Timestamp,
    TraceId,
    SpanId,
    ParentSpanId,
    SpanName,
    ServiceName,
    Duration,
    StatusCode,
    StatusMessage,
    span['error.type'] AS ErrorType,
    toUInt64OrZero(if(span['ci.project.id'] != '', span['ci.project.id'], resource['ci.project.id'])) AS ProjectId,
    span['ci.project.path'] AS ProjectPath,
    if(span['ci.pipeline.id'] != '', span['ci.pipeline.id'], resource['ci.pipeline.id']) AS PipelineId,
    span['ci.pipeline.source'] AS PipelineSource,
    span['ci.ref'] AS Ref,
    toUInt64OrZero(if(span['ci.job.id'] != '', span['ci.job.id'], resource['ci.job.id'])) AS JobId,
    span['ci.job.name'] AS JobName,
    span['ci.job.stage'] AS JobStage,
    span['ci.job.status'] AS JobStatus,
    span['ci.job.failure_reason'] AS FailureReason,
    span['ci.job.allow_failure'] = 'true' AS AllowFailure,
    toInt32OrNull(arrayFirst(code -> code != '', [
        span['ci.job.exit_code'], span['ci.stage.exit_code'], span['ci.function.exit_code']
    ])) AS ExitCode,
    toFloat64OrNull(span['ci.job.queued_duration_s']) AS QueuedSeconds,
    toUInt64OrZero(if(span['ci.runner.id'] != '', span['ci.runner.id'], resource['ci.runner.id'])) AS RunnerId,
    span['ci.runner.executor'] AS RunnerExecutor,
    span['ci.stage.name'] AS StageName,
    span['ci.stage.status'] AS StageStatus,
    toFloat64OrNull(span['ci.stage.cpu_time_s']) AS CpuSeconds,
    toUInt64OrNull(span['ci.stage.memory_peak_bytes']) AS MemoryPeakBytes,
    span['ci.cache.key'] AS CacheKey,
    if(span['ci.cache.hit'] = '', NULL, span['ci.cache.hit'] = 'true') AS CacheHit,
    toUInt64OrNull(arrayFirst(size -> size != '', [
        span['ci.cache.size_bytes'], span['ci.artifact.size_bytes'], span['ci.image.size_bytes']
    ])) AS TransferBytes,
    span['ci.function.name'] AS FunctionName,
    span['ci.function.version'] AS FunctionVersion,
    span['ci.function.status'] AS FunctionStatus
FROM otel_traces
WHERE JobId != 0;
