import assert from "node:assert/strict";
import { test } from "node:test";
import { environmentProxyFor } from "./environment-proxy.ts";

const httpProxy = "http://plain:3128";
const httpsProxy = "tls:3129";
const viaTls = "http://tls:3129";

const cases: readonly { readonly url: string; readonly noProxy?: string; readonly proxy: string | undefined }[] = [
  { url: "http://h", proxy: httpProxy },
  { url: "https://h", proxy: viaTls },
  { url: "grpcs://h:4317", proxy: viaTls },
  { url: "grpc://h:4317", proxy: viaTls },
  { url: "http://localhost:4318", proxy: undefined },
  { url: "grpc://127.0.0.1:4317", proxy: undefined },
  { url: "https://otel.example.com", noProxy: "example.com", proxy: undefined },
  { url: "https://otel.example.com", noProxy: " other, .example.com ", proxy: undefined },
  { url: "https://otel.example.com", noProxy: "*.example.com", proxy: undefined },
  { url: "https://otelexample.com", noProxy: "example.com", proxy: viaTls },
  { url: "https://h", noProxy: "*", proxy: undefined },
  { url: "https://h:8443", noProxy: "h:443", proxy: viaTls },
  { url: "https://h", noProxy: "h:443", proxy: undefined },
  { url: "http://10.1.2.3:4318", noProxy: "10.0.0.0/8", proxy: undefined },
  { url: "http://11.1.2.3:4318", noProxy: "10.0.0.0/8", proxy: httpProxy },
  { url: "https://[fd00::1]", noProxy: "fd00::/8", proxy: undefined },
  { url: "https://h", noProxy: "10.0.0.0/99", proxy: viaTls },
  { url: "https://h", noProxy: ",", proxy: viaTls },
  { url: "not a url", proxy: undefined },
];

for (const { url, noProxy = "", proxy } of cases) {
  test(`${url}${noProxy === "" ? "" : ` with no_proxy="${noProxy}"`} goes by ${proxy ?? "no proxy"}`, () => {
    const environment = {
      http_proxy: httpProxy,
      HTTP_PROXY: "http://other",
      HTTPS_PROXY: httpsProxy,
      no_proxy: noProxy,
    };
    assert.equal(environmentProxyFor(url, environment), proxy);
  });
}

test("without proxy variables there is no proxy", () => {
  assert.equal(environmentProxyFor("https://h", {}), undefined);
});
