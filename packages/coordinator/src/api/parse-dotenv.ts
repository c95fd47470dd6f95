import { gunzipSync } from "node:zlib";
import { HttpError } from "./http-errors.ts";

/** GitLab's limits of a `dotenv` report: bytes, variables. */
const maxBytes = 5 * 1024;
const maxVariables = 150;

/**
 * Reads a `dotenv` report: `KEY=value` lines; no comments, no empty values' quotes kept.
 * @throws {HttpError} 400 naming the line. Rule: GitLab's Ci::ParseDotenvArtifactService.
 */
export function parseDotenv(content: Buffer, isCompressed: boolean): { key: string; value: string }[] {
  const text = (isCompressed ? unpack(content) : content).toString("utf8");
  if (Buffer.byteLength(text) > maxBytes) throw refused(`is larger than ${maxBytes} bytes`);
  const variables = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .map(parseLine);
  if (variables.length > maxVariables) throw refused(`has more than ${maxVariables} variables`);
  return variables;
}

function unpack(content: Buffer): Buffer {
  try {
    return gunzipSync(content, { maxOutputLength: 1 << 20 });
  } catch (cause) {
    throw new HttpError("400 Bad request - dotenv report is not gzip or too large", { statusCode: 400, cause });
  }
}

function parseLine(line: string): { key: string; value: string } {
  const match = /^([A-Za-z_]\w*)\s*=\s*(.*)$/.exec(line);
  if (match === null) throw refused("has a line that is not KEY=value");
  const [, key = "", value = ""] = match;
  const quoted = /^"(.*)"$|^'(.*)'$/.exec(value);
  return { key, value: quoted?.[1] ?? quoted?.[2] ?? value };
}

function refused(why: string): HttpError {
  return new HttpError(`400 Bad request - dotenv report ${why}`, { statusCode: 400 });
}
