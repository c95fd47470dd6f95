/** Plain data. The address holds a signature: a secret until it expires. */
export interface SignedRequest {
  readonly url: string;
  /** To be sent beside the address. Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface SignedUpload extends SignedRequest {
  /**
   * Above so many bytes the archive is sent in Azure's blocks of this size, then the list of them, all below the same
   * signed address. `undefined`: always in one request.
   */
  readonly blockBytes?: number;
}
