export { makeCertificates, type TestCertificates } from "./certificates.ts";
export { type EndpointFault, endpointFaults, type FaultyEndpoint, startFaultyEndpoint } from "./endpoint-faults.ts";
export { setEnvironment } from "./environment.ts";
export {
  type Behaviour,
  type OtlpReceiver,
  type OtlpReceiverOptions,
  type ReceivedRequest,
  type ReceivedSpan,
  startOtlpReceiver,
} from "./otlp-receiver.ts";
export { aSpan } from "./spans.ts";
export { startTokenServer, type TokenServer } from "./token-server.ts";
