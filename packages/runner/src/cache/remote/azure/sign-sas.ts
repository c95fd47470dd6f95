import { createHmac } from "node:crypto";

/** Version of the service's interface that signatures and requests are made for. */
export const serviceVersion = "2022-11-02";

/** A key of the store's, bound to an identity. */
export interface DelegationKey {
  readonly objectId: string;
  readonly tenantId: string;
  readonly startsOn: string;
  readonly expiresOn: string;
  readonly service: string;
  readonly version: string;
  /** Base64. A secret. */
  readonly value: string;
}

export interface BlobSas {
  readonly account: string;
  readonly container: string;
  readonly blob: string;
  /** `r`: read it. `w`: write it, whether it is there or not. */
  readonly permission: "r" | "w";
  readonly now: Date;
  readonly validMs: number;
  /** An emulator has no TLS. */
  readonly allowsHttp: boolean;
  readonly key:
    | { readonly kind: "account"; readonly key: string }
    | { readonly kind: "delegation"; readonly key: DelegationKey };
}

/** Clocks may differ by so much. */
const clockToleranceMs = 3_600_000;

/**
 * A shared access signature for one blob, as the query of its address.
 *
 * Source: Azure Storage REST reference, "Create a service SAS" and "Create a user delegation SAS", string-to-sign of
 * version 2020-12-06 and later.
 */
export function signBlobSas(sas: BlobSas): string {
  const start = azureTime(new Date(sas.now.getTime() - clockToleranceMs));
  const expiry = azureTime(new Date(sas.now.getTime() + sas.validMs));
  const resource = `/blob/${sas.account}/${sas.container}/${sas.blob}`;
  const protocol = sas.allowsHttp ? "" : "https";
  const isDelegated = sas.key.kind === "delegation";
  const delegation = sas.key.kind === "delegation" ? delegationFields(sas.key.key) : [];
  const text = [
    ...[sas.permission, start, expiry, resource],
    // By an identity: its key, then three parties who may be named. By the account: a stored policy.
    ...(isDelegated ? [...delegation.map(([, value]) => value), "", "", ""] : [""]),
    ...["", protocol, serviceVersion, "b"],
    // No snapshot, no encryption scope, no header fields of the answer overridden.
    ...["", "", "", "", "", "", ""],
  ].join("\n");
  const secret = sas.key.kind === "delegation" ? sas.key.key.value : sas.key.key;
  const signature = createHmac("sha256", Buffer.from(secret, "base64")).update(text).digest("base64");
  return new URLSearchParams([
    ["sv", serviceVersion],
    ["sp", sas.permission],
    ["st", start],
    ["se", expiry],
    ["sr", "b"],
    ...(protocol === "" ? [] : [["spr", protocol] as [string, string]]),
    ...delegation,
    ["sig", signature],
  ]).toString();
}

function delegationFields(key: DelegationKey): [string, string][] {
  return [
    ["skoid", key.objectId],
    ["sktid", key.tenantId],
    ["skt", key.startsOn],
    ["ske", key.expiresOn],
    ["sks", key.service],
    ["skv", key.version],
  ];
}

/** To the second. */
export function azureTime(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, "Z");
}
