/** Most spans that one answer carries; a job has at most 1,000 (telemetry.md §4), a large pipeline some ten thousand. */
export const maxTraceSpans = 20_000;

/**
 * All spans of `{traceId:String}`, each once, by start. The companion table says on which days to look, in whole seconds;
 * compared as a DateTime, its end would lose what lies within the last second (ClickHouse's key analysis cuts it off).
 *
 * Parents before children among equal starts: the longer span first.
 */
export const traceQuery = `
WITH
    (SELECT toDateTime64(min(Start), 9) FROM otel_traces_trace_id_ts WHERE TraceId = {traceId:String}) AS first,
    (SELECT toDateTime64(max(End), 9) FROM otel_traces_trace_id_ts WHERE TraceId = {traceId:String}) AS last
SELECT
    otel_traces.TraceId AS traceId,
    SpanId AS spanId,
    ParentSpanId AS parentSpanId,
    SpanName AS name,
    SpanKind AS kind,
    ServiceName AS serviceName,
    toString(toUnixTimestamp64Nano(Timestamp)) AS startUnixNano,
    toString(Duration) AS durationNano,
    StatusCode AS status,
    StatusMessage AS statusMessage,
    SpanAttributes AS attributes,
    ResourceAttributes AS resourceAttributes,
    ScopeName AS scopeName,
    ScopeVersion AS scopeVersion,
    arrayMap(
        (time, name, attributes) -> CAST(
            (toString(toUnixTimestamp64Nano(time)), name, attributes),
            'Tuple(timeUnixNano String, name String, attributes Map(String, String))'
        ),
        Events.Timestamp, Events.Name, Events.Attributes
    ) AS events,
    arrayMap(
        (traceId, spanId, traceState, attributes) -> CAST(
            (traceId, spanId, traceState, attributes),
            'Tuple(traceId String, spanId String, traceState String, attributes Map(String, String))'
        ),
        Links.TraceId, Links.SpanId, Links.TraceState, Links.Attributes
    ) AS links
FROM otel_traces
WHERE otel_traces.TraceId = {traceId:String}
    AND Timestamp >= first
    AND Timestamp < last + INTERVAL 1 SECOND
ORDER BY Timestamp, Duration DESC, SpanId
LIMIT 1 BY otel_traces.TraceId, SpanId
LIMIT ${maxTraceSpans + 1}`;

/** The latest trace that holds a job. */
export const traceOfJobQuery = `
SELECT TraceId AS traceId
FROM ci_job_telemetry_traces
WHERE JobId = {jobId:UInt64}
ORDER BY Timestamp DESC
LIMIT 1`;

/**
 * Jobs, latest first. A job is what its spans say together: \`job_execution\` tells most, but comes last; a job whose
 * runner sends nothing has at least the coordinator's \`job_lifecycle\`.
 */
export const jobsQuery = jobsWhere(
  `({projectId:UInt64} = 0 OR ProjectId = {projectId:UInt64})
   AND ({pipelineId:String} = '' OR PipelineId = {pipelineId:String})`,
);

/** All jobs of the latest \`{limit}\` pipelines. */
export const jobsOfPipelinesQuery = jobsWhere(
  `(ProjectId, PipelineId) IN (
       SELECT ProjectId, PipelineId
       FROM ci_job_telemetry_traces
       WHERE PipelineId != ''
           AND ({projectId:UInt64} = 0 OR ProjectId = {projectId:UInt64})
           AND ({pipelineId:String} = '' OR PipelineId = {pipelineId:String})
       GROUP BY ProjectId, PipelineId
       ORDER BY min(Timestamp) DESC
       LIMIT {pipelines:UInt32}
   )`,
);

function jobsWhere(condition: string): string {
  return `
SELECT
    toString(JobId) AS jobId,
    argMax(TraceId, Timestamp) AS traceId,
    anyLastIf(JobName, JobName != '') AS name,
    anyLastIf(JobStage, JobStage != '') AS pipelineStage,
    multiIf(
        countIf(SpanName = 'job_execution') > 0 AND anyLastIf(JobStatus, SpanName = 'job_execution') IN
            ('success', 'failed', 'canceled'),
            toString(anyLastIf(JobStatus, SpanName = 'job_execution')),
        countIf(SpanName IN ('job_execution', 'job_lifecycle')) = 0, 'running',
        countIf(SpanName IN ('job_execution', 'job_lifecycle') AND StatusCode = 'Error') > 0, 'failed',
        'success'
    ) AS state,
    anyLastIf(FailureReason, FailureReason != '') AS failureReason,
    toString(max(ProjectId)) AS projectId,
    anyLastIf(ProjectPath, ProjectPath != '') AS projectPath,
    anyLastIf(PipelineId, PipelineId != '') AS pipelineId,
    anyLastIf(PipelineSource, PipelineSource != '') AS pipelineSource,
    anyLastIf(Ref, Ref != '') AS ref,
    toString(max(RunnerId)) AS runnerId,
    toString(toUnixTimestamp64Nano(if(
        countIf(SpanName = 'job_execution') > 0, minIf(Timestamp, SpanName = 'job_execution'), min(Timestamp)
    ))) AS startUnixNano,
    toString(if(
        countIf(SpanName = 'job_execution') > 0,
        toInt64(maxIf(Duration, SpanName = 'job_execution')),
        max(toUnixTimestamp64Nano(Timestamp) + toInt64(Duration)) - toUnixTimestamp64Nano(min(Timestamp))
    )) AS durationNano,
    anyLastIf(QueuedSeconds, SpanName = 'job_execution') AS queuedDurationS,
    anyLastIf(ExitCode, SpanName = 'job_execution') AS exitCode,
    max(AllowFailure) AS allowFailure
FROM ci_job_telemetry_traces
WHERE ${condition}
GROUP BY JobId
ORDER BY max(Timestamp) DESC, JobId DESC
LIMIT {limit:UInt32}`;
}
